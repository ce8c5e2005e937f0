import { hash } from "node:crypto";
import { type Members, membersOf, objectsIn, itemsOf } from "../../parse/object.ts";
import type { SessionMessage } from "../core/outbox.ts";
import type { PeerClaim, ClaimAnswer, ClaimOrder } from "../core/peer-exchange.ts";
import type { MovedPeer, PeerKey, SendOutcome } from "../core/peer-state.ts";
import { peerName } from "../core/session-registry.ts";
import { packed, type Unpacked, unpacked } from "./packed.ts";

/** What is asked about a peer, whom the topic stands for. No word names a subject, and none has anything of a token. */
export type BusWord =
  | { readonly kind: "claim"; readonly claim: Omit<PeerClaim, "id"> }
  | { readonly kind: "send"; readonly message: Omit<SessionMessage, "seq"> }
  | { readonly kind: "remove" };

/** `pending`: the peer is here, and has not confirmed it yet. */
export type SendAnswer = SendOutcome | "moved" | "pending";

export type BusAnswer = ClaimAnswer | { readonly kind: "outcome"; readonly outcome: SendAnswer };

/** The topic of a peer: nobody reads its name there. */
export const topicOf = (peer: PeerKey): string => hash("sha256", peerName(peer), "base64url");

export function packedWord(word: BusWord): Uint8Array {
  return word.kind === "send" ? packed({ kind: word.kind, id: word.message.id }, [word.message.payload]) : packed(word);
}

/** Undefined for bytes that are no word: of a newer version, or of somebody else. */
export function readWord(bytes: Uint8Array): BusWord | undefined {
  const { head, parts } = unpacked(bytes) ?? nothing;
  if (head["kind"] === "remove") return { kind: "remove" };
  if (head["kind"] === "send") {
    const [payload] = parts;
    const { id } = head;
    return typeof id === "string" && payload ? { kind: "send", message: { id, payload } } : undefined;
  }
  const { kind, order } = membersOf(head["claim"]);
  const read = orderIn(membersOf(order));
  const isKind = kind === "hello" || kind === "standing";
  return head["kind"] === "claim" && isKind && read ? { kind: "claim", claim: { kind, order: read } } : undefined;
}

function orderIn({ openedAtMs, replicaId }: Members): ClaimOrder | undefined {
  return isNumber(openedAtMs) && typeof replicaId === "string" ? { openedAtMs, replicaId } : undefined;
}

export function packedAnswer(answer: BusAnswer): Uint8Array {
  if (answer.kind !== "yours" || answer.peer === undefined) return packed(answer);
  const { outbox, ...rest } = answer.peer;
  const { waiting, ...counts } = outbox;
  const heads = waiting.map(({ seq, id }) => ({ seq, id }));
  return packed(
    { kind: answer.kind, peer: { ...rest, outbox: { ...counts, waiting: heads } } },
    waiting.map(({ payload }) => payload),
  );
}

/** Undefined for bytes that are no answer. */
export function readBusAnswer(bytes: Uint8Array): BusAnswer | undefined {
  const { head, parts } = unpacked(bytes) ?? nothing;
  const { kind, outcome } = head;
  if (kind === "newer") return { kind };
  if (kind === "outcome") {
    const known = outcomes.find((one) => one === outcome);
    return known && { kind, outcome: known };
  }
  if (kind !== "yours") return undefined;
  if (head["peer"] === undefined) return { kind };
  const peer = peerIn(membersOf(head["peer"]), parts);
  return peer && { kind, peer };
}

const nothing: Unpacked = { head: {}, parts: [] };
const outcomes: readonly SendAnswer[] = ["delivered", "gone", "full", "moved", "pending"];

function peerIn(peer: Members, payloads: Unpacked["parts"]): MovedPeer | undefined {
  const { generation, openedAtMs } = peer;
  const [sessionIds, outbox] = [textsIn(peer["sessionIds"]), membersOf(peer["outbox"])];
  const inbox = inboxIn(membersOf(peer["inbox"]));
  const confirmedIds = textsIn(outbox["confirmedIds"]);
  const { lastSeq } = outbox;
  const waiting = objectsIn(outbox["waiting"]).flatMap(({ seq, id }, at): readonly SessionMessage[] => {
    const payload = payloads[at];
    return isNumber(seq) && typeof id === "string" && payload ? [{ seq, id, payload }] : [];
  });
  const isWhole = waiting.length === itemsOf(outbox["waiting"]).length;
  if (!isWhole || !isNumber(generation) || !isNumber(openedAtMs) || !isNumber(lastSeq) || !inbox) return undefined;
  return sessionIds && confirmedIds
    ? { generation, openedAtMs, sessionIds, outbox: { waiting, lastSeq, confirmedIds }, inbox }
    : undefined;
}

function inboxIn({ lineage, takenSeq, heardElsewhereSeq }: Members): MovedPeer["inbox"] | undefined {
  if (typeof lineage !== "string" || !isNumber(takenSeq)) return undefined;
  const heard = isNumber(heardElsewhereSeq) ? { heardElsewhereSeq } : {};
  return { lineage, lastSeq: takenSeq, takenSeq, waiting: [], ...heard };
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

function textsIn(value: unknown): readonly string[] | undefined {
  const texts = itemsOf(value);
  return texts.every((text) => typeof text === "string") ? texts : undefined;
}
