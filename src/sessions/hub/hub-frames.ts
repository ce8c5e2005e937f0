import { type Members, membersOf } from "../../parse/object.ts";
import type { SessionMessage } from "../core/outbox.ts";
import type { PeerKey, SendOutcome } from "../core/peer-state.ts";
import { longestName, longestPayload } from "../protocol/session-frames.ts";

/** What the application says (`ApplicationFrame` of hub.proto). */
export type ApplicationFrame =
  | { readonly kind: "taken"; readonly peer: PeerKey; readonly lineage: string; readonly seq: number }
  | { readonly kind: "send"; readonly peer: PeerKey; readonly message: Omit<SessionMessage, "seq"> }
  /** A `Send` of what is no message. */
  | { readonly kind: "unfit"; readonly peer: PeerKey; readonly id: string }
  | { readonly kind: "remove"; readonly peer: PeerKey };

/** A frame of the application; undefined for what is none, such as one of a newer protocol. A field that is not there is empty (proto3). */
export function readApplicationFrame(value: unknown): ApplicationFrame | undefined {
  const { taken, send, remove } = membersOf(value);
  if (taken !== undefined) {
    const { lineage, seq, ...rest } = membersOf(taken);
    return { kind: "taken", peer: peerIn(rest), lineage: textIn(lineage), seq: typeof seq === "number" ? seq : 0 };
  }
  if (send !== undefined) return sendIn(membersOf(send));
  return remove === undefined ? undefined : { kind: "remove", peer: peerIn(membersOf(remove)) };
}

function sendIn(send: Members): ApplicationFrame {
  const [peer, id] = [peerIn(send), textIn(send["id"])];
  const { payload = new Uint8Array() } = send;
  const isFit = id !== "" && id.length <= longestName && payload instanceof Uint8Array;
  if (!isFit || payload.byteLength > longestPayload) return { kind: "unfit", peer, id };
  return { kind: "send", peer, message: { id, payload } };
}

function peerIn({ peer }: Members): PeerKey {
  const { subject, instanceId } = membersOf(peer);
  return { subject: textIn(subject), instanceId: textIn(instanceId) };
}

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

/** What the application hears, with the names and types of `HubFrame`. */
export type HubFrame =
  | { readonly opened: OpenedFrame }
  | { readonly closed: ClosedFrame }
  | { readonly delivery: DeliveryFrame }
  | { readonly sent: SentFrame }
  | { readonly ready: object };

export interface OpenedFrame {
  readonly peer: PeerKey;
  readonly sessionId: string;
  readonly generation: number;
  readonly resumed: boolean;
  readonly lineage: string;
  readonly claimsJson: string;
  readonly kid: string;
}

interface ClosedFrame {
  readonly peer: PeerKey;
  readonly sessionId: string;
  readonly code: string;
}

export interface DeliveryFrame extends SessionMessage {
  readonly peer: PeerKey;
  readonly lineage: string;
  readonly redelivered: boolean;
  readonly claimsJson: string;
}

export interface SentFrame {
  readonly peer: PeerKey;
  readonly id: string;
  readonly outcome: SendOutcome | "refused";
}

/** Why the hub ends an attachment. Stable: applications go by them. */
export type HubEndCode = "Superseded" | "Draining" | "BadMessage";
