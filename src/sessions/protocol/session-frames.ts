import { Buffer } from "node:buffer";
import { type Members, membersOf } from "../../parse/object.ts";
import type { Acceptance, ResumePoint } from "../core/peer-state.ts";
import type { SessionMessage } from "../core/outbox.ts";
import type { SessionEnd } from "../core/session-end.ts";
import type { SessionDeadlines } from "../../deadline/session.ts";
import { endReasons } from "./end-statuses.ts";

/** What a client says (`ClientFrame` of sessions.proto). */
export type ClientFrame =
  | { readonly kind: "hello"; readonly instanceId: string; readonly resume?: ResumePoint }
  | { readonly kind: "message"; readonly message: SessionMessage }
  | { readonly kind: "received"; readonly seq: number }
  | { readonly kind: "heartbeat" };

/** Of an id, in characters. */
export const longestName = 128;
/** Of a message, in bytes. */
export const longestPayload = 65_536;
const highestSeq = 0xffff_ffff;

/**
 * A frame of a client, of gRPC or of JSON that was read; undefined for what is none. Members with other names are passed over: they may be of a newer
 * client. JSON has both forms of each name, and numbers may be texts (proto3's JSON mapping).
 */
export function readClientFrame(value: unknown): ClientFrame | undefined {
  const { hello, message, received, heartbeat } = membersOf(value);
  const said = [hello, message, received, heartbeat].filter((one) => one !== undefined && one !== null);
  if (said.length !== 1) return undefined;
  if (hello !== undefined) return helloIn(membersOf(hello));
  if (message !== undefined) return messageIn(membersOf(message));
  if (received === undefined) return { kind: "heartbeat" };
  const seq = numberIn(membersOf(received)["seq"]);
  return seq === undefined ? undefined : { kind: "received", seq };
}

function helloIn(hello: Members): ClientFrame | undefined {
  const instanceId = nameIn(hello["instanceId"] ?? hello["instance_id"]);
  if (instanceId === undefined) return undefined;
  const { resume } = hello;
  if (resume === undefined || resume === null) return { kind: "hello", instanceId };
  const members = membersOf(resume);
  const sessionId = nameIn(members["sessionId"] ?? members["session_id"]);
  const received = numberIn(members["received"]);
  if (sessionId === undefined || received === undefined) return undefined;
  return { kind: "hello", instanceId, resume: { sessionId, received } };
}

function messageIn(message: Members): ClientFrame | undefined {
  const [seq, id, payload] = [numberIn(message["seq"]), nameIn(message["id"]), bytesIn(message["payload"])];
  if (seq === undefined || id === undefined || payload === undefined) return undefined;
  return { kind: "message", message: { seq, id, payload } };
}

/** Half of a pair of surrogates can be written in JSON, and in no frame to an application. */
const nameIn = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= longestName && value.isWellFormed() ? value : undefined;

/** A field that is not there is 0 (proto3). */
function numberIn(value: unknown = 0): number | undefined {
  const number = typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : value;
  const isFit = typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= highestSeq;
  return isFit ? number : undefined;
}

function bytesIn(value: unknown = ""): Uint8Array | undefined {
  const bytes = typeof value === "string" ? fromBase64(value) : value instanceof Uint8Array ? value : undefined;
  return bytes !== undefined && bytes.byteLength <= longestPayload ? bytes : undefined;
}

/** Either alphabet, with or without padding. */
const fromBase64 = (text: string): Uint8Array | undefined =>
  /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;

/** What the gateway says, with the names and types of `ServerFrame`. */
export type ServerFrame =
  | { readonly accepted: AcceptedFrame }
  | { readonly message: SessionMessage }
  | { readonly received: { readonly seq: number } }
  | { readonly heartbeat: object }
  | { readonly renewed: RenewedFrame }
  | { readonly closing: ClosingFrame };

export interface RenewedFrame {
  readonly serverNowUnixMs: number;
  readonly sessionExpiresAtUnixMs: number;
  readonly reconnectBeforeUnixMs: number;
  readonly graceMs: number;
}

export interface AcceptedFrame extends RenewedFrame {
  readonly sessionId: string;
  readonly generation: number;
  readonly heartbeatIntervalMs: number;
  readonly resumed: boolean;
  readonly received: number;
  readonly queueMessages: number;
  readonly queueBytes: number;
}

export interface ClosingFrame {
  readonly code: string;
  readonly reason: string;
  readonly retry: boolean;
  readonly afterMs: number;
}

interface Terms {
  readonly graceMs: number;
  readonly heartbeatMs: number;
  readonly queueMessages: number;
  readonly queueBytes: number;
}

/** How the deadlines are told; 0: there is none. */
export const renewedFrame = (
  { expiresAtMs = 0, reconnectBeforeMs = 0 }: SessionDeadlines,
  { graceMs }: Pick<Terms, "graceMs">,
  nowMs: number,
): RenewedFrame => ({
  serverNowUnixMs: Math.floor(nowMs),
  sessionExpiresAtUnixMs: Math.floor(expiresAtMs),
  reconnectBeforeUnixMs: Math.floor(reconnectBeforeMs),
  graceMs,
});

/** How a session begins. */
export const acceptedFrame = (
  { sessionId, acceptance }: { readonly sessionId: string; readonly acceptance: Acceptance },
  terms: Terms,
  nowMs: number,
): AcceptedFrame => ({
  ...renewedFrame(acceptance.deadlines, terms, nowMs),
  sessionId,
  generation: acceptance.generation,
  heartbeatIntervalMs: terms.heartbeatMs,
  resumed: acceptance.isResumed,
  received: acceptance.received,
  queueMessages: terms.queueMessages,
  queueBytes: terms.queueBytes,
});

/** How it ends. */
export const closingFrame = ({ code, isRetryable, afterMs }: SessionEnd): ClosingFrame => ({
  ...{ code, reason: endReasons[code], retry: isRetryable, afterMs },
});

/** proto3's JSON mapping: 64 bits are a text, bytes are base64. */
export const jsonFrame = (frame: ServerFrame | RenewedFrame): string =>
  // Not in the replacer: a Buffer has become something else when it comes there
  "message" in frame
    ? JSON.stringify({ message: { ...frame.message, payload: toBase64(frame.message.payload) } })
    : JSON.stringify(withTexts(frame));

function withTexts(frame: Exclude<ServerFrame, { readonly message: SessionMessage }> | RenewedFrame): object {
  if ("accepted" in frame) return { accepted: instantsAsTexts(frame.accepted) };
  if ("renewed" in frame) return { renewed: instantsAsTexts(frame.renewed) };
  return "graceMs" in frame ? instantsAsTexts(frame) : frame;
}

const instantsAsTexts = (frame: RenewedFrame): object => ({
  ...frame,
  serverNowUnixMs: String(frame.serverNowUnixMs),
  sessionExpiresAtUnixMs: String(frame.sessionExpiresAtUnixMs),
  reconnectBeforeUnixMs: String(frame.reconnectBeforeUnixMs),
});

const toBase64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");
