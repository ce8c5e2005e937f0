import { jsonIn } from "../../parse/json.ts";
import { type Members, membersOf } from "../../parse/object.ts";
import { ProtobufMessage } from "../../parse/protobuf.ts";
import type { SessionMessage } from "../../sessions/core/outbox.ts";
import type { ResumePoint } from "../../sessions/core/peer-state.ts";
import type { ServerFrame } from "../../sessions/protocol/session-frames.ts";
import { sessionMessages } from "../../sessions/protocol/session-messages.ts";

const clientFrame = new ProtobufMessage(sessionMessages, "ClientFrame");
const serverFrame = new ProtobufMessage(sessionMessages, "ServerFrame");

/** What a client says, with the names and types of `ClientFrame` (sessions.proto). */
export type ClientWord =
  | { readonly hello: { readonly instanceId: string; readonly resume?: ResumePoint } }
  | { readonly message: SessionMessage }
  | { readonly received: { readonly seq: number } }
  | { readonly heartbeat: object };

/** proto3's JSON mapping: bytes are base64. */
export const wordAsJson = (word: ClientWord): string =>
  JSON.stringify("message" in word ? { message: { ...word.message, payload: toBase64(word.message.payload) } } : word);

export const wordAsProtobuf = (word: ClientWord): Uint8Array => clientFrame.write(word);

/** What the gateway says, as JSON. Undefined for what is no frame that is known: it may be of a newer gateway. */
export const frameInJson = (text: string): ServerFrame | undefined => readServerFrame(membersOf(jsonIn(text)));

/** The same in protobuf's binary form. */
export const frameInProtobuf = (bytes: Uint8Array): ServerFrame | undefined =>
  readServerFrame(serverFrame.read(bytes) ?? {});

type FrameOf<Name extends string> = Extract<ServerFrame, Readonly<Record<Name, unknown>>>;
export type RenewedTerms = FrameOf<"renewed">["renewed"];

function readServerFrame({
  accepted,
  message,
  received,
  heartbeat,
  renewed,
  closing,
}: Members): ServerFrame | undefined {
  if (message !== undefined) return readMessage(membersOf(message));
  if (received !== undefined) return { received: { seq: numberIn(membersOf(received)["seq"]) } };
  if (heartbeat !== undefined) return { heartbeat: {} };
  if (accepted !== undefined) return readAccepted(membersOf(accepted));
  if (renewed !== undefined) return { renewed: readRenewed(membersOf(renewed)) };
  return closing === undefined ? undefined : readClosing(membersOf(closing));
}

/** The answer to a renewal in place. */
export const readRenewed = (members: Members): RenewedTerms => ({
  serverNowUnixMs: numberIn(members["serverNowUnixMs"]),
  sessionExpiresAtUnixMs: numberIn(members["sessionExpiresAtUnixMs"]),
  reconnectBeforeUnixMs: numberIn(members["reconnectBeforeUnixMs"]),
  graceMs: numberIn(members["graceMs"]),
});

function readAccepted(members: Members): FrameOf<"accepted"> | undefined {
  const sessionId = textIn(members["sessionId"]);
  if (sessionId === "") return undefined;
  return {
    accepted: {
      ...readRenewed(members),
      sessionId,
      generation: numberIn(members["generation"]),
      heartbeatIntervalMs: numberIn(members["heartbeatIntervalMs"]),
      resumed: members["resumed"] === true,
      received: numberIn(members["received"]),
      queueMessages: numberIn(members["queueMessages"]),
      queueBytes: numberIn(members["queueBytes"]),
    },
  };
}

function readMessage(members: Members): FrameOf<"message"> | undefined {
  const [seq, id, payload] = [numberIn(members["seq"]), textIn(members["id"]), bytesIn(members["payload"])];
  return seq === 0 || id === "" || payload === undefined ? undefined : { message: { seq, id, payload } };
}

const readClosing = (members: Members): FrameOf<"closing"> => ({
  closing: {
    code: textIn(members["code"]),
    reason: textIn(members["reason"]),
    retry: members["retry"] === true,
    afterMs: numberIn(members["afterMs"]),
  },
});

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

/** A field that is not there is 0 (proto3); so is what is no number of the protocol. */
function numberIn(value: unknown): number {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number > 0 ? number : 0;
}

function bytesIn(value: unknown = ""): Uint8Array | undefined {
  return typeof value === "string" ? fromBase64(value) : value instanceof Uint8Array ? value : undefined;
}

/** So many characters at a time: arguments have a limit. */
const chunk = 8192;

// Browsers have no Buffer, and not all have Uint8Array.fromBase64
function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.byteLength; at += chunk) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  }
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
