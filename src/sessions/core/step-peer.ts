import { sessionDeadlines } from "../../deadline/session.ts";
import { openedSession } from "./open-session.ts";
import { bytesIn, confirmedUpTo, type SessionMessage, withMessage } from "./outbox.ts";
import type { MovedPeer, PeerContext, PeerEffect, PeerEvent, PeerState, PeerStep } from "./peer-state.ts";
import { type EndCode, final, retryable, retryableLater, type SessionEnd } from "./session-end.ts";
import { concerns, isReplaceable, type SessionRevocation, type SessionToken } from "./session-token.ts";

type Of<Kind extends PeerEvent["kind"]> = Extract<PeerEvent, { kind: Kind }>;

/**
 * One peer: what happens to it, and what is to be done. Pure; whoever runs it does the effects in their order, at once.
 *
 * ```
 *   nothing ──opened──▶ open ──lost, expired, revoked, drained──▶ away ──kept long enough──▶ nothing
 *                        ▲ └── opened: the newer one takes over      │
 *                        └───────────────opened──────────────────────┘
 * ```
 *
 * What comes from a session that is not the open one changes nothing: sessions are told apart by their ids.
 */
export function stepPeer(state: PeerState | undefined, event: PeerEvent, context: PeerContext): PeerStep {
  if (event.kind === "opened") return openedSession(state, event, context);
  if (event.kind === "brought") return brought(state, event.peer, context);
  if (state === undefined) return unknown(event);
  if ("sessionId" in event && state.session?.id !== event.sessionId) return nothing(state);
  switch (event.kind) {
    case "renewed":
      return renewed(state, event.token, context);
    case "heard":
      return heard(state, event.message, context);
    case "confirmed":
      return confirmed(state, event, context);
    case "lost":
      return lost(state, event, context);
    case "sent":
      return sent(state, event, context);
    case "taken":
      return taken(state, event);
    case "revoked":
      return revoked(state, event.revocation, context);
    case "draining":
      return draining(state, event, context);
    case "ended":
      return forget(closed(state, final(event.code), context));
    case "claimed":
      return closed(state, retryable("Superseded"), context);
    case "moved":
      return forget(closed(state, retryable("Superseded"), context), "moved");
    case "looked":
      return looked(state, context);
    default:
      return event satisfies never;
  }
}

const nothing = (state: PeerState): PeerStep => ({ state, effects: [] });

/** A message for nobody is answered, whatever else comes is late. */
const unknown = (event: PeerEvent): PeerStep => ({
  effects: event.kind === "sent" ? [{ kind: "answer", id: event.message.id, outcome: "gone" }] : [],
});

/** Kept as that of a peer that is away. Whoever is here already is newer. */
const brought = (state: PeerState | undefined, peer: MovedPeer, { nowMs, rules }: PeerContext): PeerStep =>
  nothing(state ?? { ...peer, keptUntilMs: nowMs + rules.keepMs, isBrought: true });

/** What goes to another replica when the peer does. */
export function movedPeer({ generation, openedAtMs, sessionIds, outbox, inbox }: PeerState): MovedPeer {
  const { lineage, lastSeq, takenSeq, heardElsewhereSeq = 0 } = inbox;
  const kept = { lineage, lastSeq: takenSeq, takenSeq, waiting: [] };
  const heardSeq = Math.max(lastSeq, heardElsewhereSeq);
  const isHeard = heardSeq > takenSeq;
  return {
    ...{ generation, openedAtMs, sessionIds, outbox },
    inbox: { ...kept, ...(isHeard && { heardElsewhereSeq: heardSeq }) },
  };
}

/** With a token of the same subject that ends no sooner. Without an effect the one before stays in force. */
function renewed(state: PeerState, token: SessionToken, { nowMs, rules }: PeerContext): PeerStep {
  const { session } = state;
  if (session === undefined || endOf(token) <= nowMs || endOf(token) < endOf(session.token)) return nothing(state);
  const { expiresAtMs } = token;
  const { jitter } = session;
  const deadlines = sessionDeadlines({
    ...{ nowMs, jitter, graceMs: rules.graceMs },
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  });
  return {
    state: { ...state, session: { ...session, token, deadlines } },
    effects: [{ kind: "extend", sessionId: session.id, deadlines }],
  };
}

const endOf = ({ expiresAtMs = Infinity }: SessionToken): number => expiresAtMs;

/** What has come before is skipped; what leaves a gap can't be put right by waiting. */
function heard(state: PeerState, message: SessionMessage, context: PeerContext): PeerStep {
  const { inbox, session } = state;
  const { rules } = context;
  if (session === undefined) return nothing(state);
  if (message.seq <= inbox.lastSeq) return nothing(state);
  if (message.seq !== inbox.lastSeq + 1) return forget(closed(state, final("BadMessage"), context));
  if (!hasRoom(inbox.waiting, message, rules)) return closed(state, retryableLater("TooMany", context.chance), context);
  const isRedelivered = message.seq <= (inbox.heardElsewhereSeq ?? 0);
  return {
    state: { ...state, inbox: { ...inbox, lastSeq: message.seq, waiting: [...inbox.waiting, message] } },
    effects: [{ kind: "deliver", lineage: inbox.lineage, message, claims: session.token.claims, isRedelivered }],
  };
}

const hasRoom = (
  waiting: readonly SessionMessage[],
  { payload }: Omit<SessionMessage, "seq">,
  { queueMessages, queueBytes }: PeerContext["rules"],
): boolean => waiting.length < queueMessages && bytesIn(waiting) + payload.byteLength <= queueBytes;

function lost(state: PeerState, { left, code }: Of<"lost">, context: PeerContext): PeerStep {
  const step = away(state, context, code);
  return left ? forget(step) : step;
}

function confirmed(state: PeerState, { seq }: Of<"confirmed">, context: PeerContext): PeerStep {
  if (seq > state.outbox.lastSeq) return forget(closed(state, final("BadMessage"), context));
  const [outbox, ids] = confirmedUpTo(state.outbox, seq, context.rules);
  return { state: { ...state, outbox }, effects: ids.map((id) => ({ kind: "answer", id, outcome: "delivered" })) };
}

/** The same id twice is one message: what waits is answered once, for all who have sent it. */
function sent(state: PeerState, { message }: Of<"sent">, { rules }: PeerContext): PeerStep {
  const { outbox, session } = state;
  const { id } = message;
  if (outbox.waiting.some((one) => one.id === id)) return nothing(state);
  if (outbox.confirmedIds.includes(id)) return { state, effects: [{ kind: "answer", id, outcome: "delivered" }] };
  if (!hasRoom(outbox.waiting, message, rules)) return { state, effects: [{ kind: "answer", id, outcome: "full" }] };
  const [next, numbered] = withMessage(outbox, message);
  return {
    state: { ...state, outbox: next },
    effects: session ? [{ kind: "transmit", sessionId: session.id, message: numbered }] : [],
  };
}

/** Confirmed when the application has it, no sooner: a gateway that dies loses nothing that was confirmed. */
function taken(state: PeerState, { lineage, seq }: Of<"taken">): PeerStep {
  const { inbox, session } = state;
  if (lineage !== inbox.lineage || seq <= inbox.takenSeq || seq > inbox.lastSeq) return nothing(state);
  const waiting = inbox.waiting.filter((message) => message.seq > seq);
  return {
    state: { ...state, inbox: { ...inbox, takenSeq: seq, waiting } },
    effects: session ? [{ kind: "confirm", sessionId: session.id, seq }] : [],
  };
}

function revoked(state: PeerState, revocation: SessionRevocation, context: PeerContext): PeerStep {
  if (state.session === undefined || !concerns(revocation, state.session.token)) return nothing(state);
  return isReplaceable(revocation)
    ? closed(state, retryable("Revoked"), context)
    : forget(closed(state, final("Revoked"), context));
}

function draining(state: PeerState, { withinMs }: Of<"draining">, { nowMs, chance }: PeerContext): PeerStep {
  const { session } = state;
  if (session === undefined) return nothing(state);
  return nothing({ ...state, session: { ...session, drainsAtMs: nowMs + Math.floor(withinMs * chance) } });
}

function looked(state: PeerState, context: PeerContext): PeerStep {
  const { session, keptUntilMs = Infinity } = state;
  const { nowMs } = context;
  if (session === undefined) return nowMs >= keptUntilMs ? forget(nothing(state)) : nothing(state);
  if (nowMs >= (session.deadlines.closesAtMs ?? Infinity)) return closed(state, retryable("Expired"), context);
  if (nowMs >= (session.drainsAtMs ?? Infinity))
    return closed(state, retryableLater("Draining", context.chance), context);
  return nothing(state);
}

/** The session is told, and what waits for the peer is kept. */
function closed(state: PeerState, end: SessionEnd, context: PeerContext): PeerStep {
  const { session } = state;
  if (session === undefined) return nothing(state);
  const step = away(state, context, end.code);
  return { ...step, effects: [{ kind: "close", sessionId: session.id, end }, ...step.effects] };
}

function away(state: PeerState, { nowMs, rules }: PeerContext, code?: EndCode): PeerStep {
  const { session, ...rest } = state;
  if (session === undefined) return nothing(state);
  const news = { kind: "closed", sessionId: session.id, ...(code !== undefined && { code }) } as const;
  return { state: { ...rest, keptUntilMs: nowMs + rules.keepMs }, effects: [{ kind: "tell", news }] };
}

/** Whoever still waits for a confirmation is told that there will be none, or who knows more. */
function forget({ state, effects }: PeerStep, outcome: "gone" | "moved" = "gone"): PeerStep {
  const gone: readonly PeerEffect[] = (state?.outbox.waiting ?? []).map(({ id }) => ({ kind: "answer", id, outcome }));
  return { effects: [...effects, ...gone] };
}

/** When the clock says that something is to be done: `looked` does nothing before. Unix milliseconds; Infinity: never. */
export const peerWakeAtMs = ({ session, keptUntilMs = Infinity }: PeerState): number =>
  session === undefined
    ? keptUntilMs
    : Math.min(session.deadlines.closesAtMs ?? Infinity, session.drainsAtMs ?? Infinity);
