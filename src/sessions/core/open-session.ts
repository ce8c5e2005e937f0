import { sessionDeadlines } from "../../deadline/session.ts";
import { confirmedUpTo, emptyOutbox, type Outbox, renumbered } from "./outbox.ts";
import type {
  Acceptance,
  Inbox,
  SessionOpening,
  OpenSession,
  PeerContext,
  PeerEffect,
  PeerState,
  PeerStep,
  ResumePoint,
} from "./peer-state.ts";
import { retryable } from "./session-end.ts";

/** So many sessions in a row may be accepted without the peer hearing of it, before it can't go on where it was. */
const rememberedSessions = 8;

/**
 * A session that takes over: it is accepted before the one before is told, and all that was not confirmed goes again over it.
 *
 * A peer goes on where it was if it names a session of this lineage, and no more than was sent; else both count anew. It may name less than it
 * has confirmed over the session before, while this one was on its way.
 */
export function openedSession(before: PeerState | undefined, opening: SessionOpening, context: PeerContext): PeerStep {
  const { sessionId, token, resume } = opening;
  const { nowMs, chance } = context;
  if ((token.expiresAtMs ?? Infinity) <= nowMs) return expired(before, sessionId);
  const resumed = goesOn(before, resume);
  const session = { id: sessionId, token, jitter: chance, deadlines: deadlinesOf(opening, context) };
  const { outbox, ids } = outboxFrom(before, resumed, context.rules);
  const state: PeerState = {
    generation: (before?.generation ?? 0) + 1,
    openedAtMs: Math.max(nowMs, (before?.openedAtMs ?? -Infinity) + 1),
    session,
    sessionIds: [...(resumed ? (before?.sessionIds ?? []) : []), sessionId].slice(-rememberedSessions),
    outbox,
    inbox: resumed && before ? before.inbox : emptyInbox(sessionId),
  };
  return {
    state,
    effects: [
      ...ids.map((id): PeerEffect => ({ kind: "answer", id, outcome: "delivered" })),
      ...begun(state, session, { isResumed: resumed !== undefined, ...takenFrom(before) }),
      ...taken(before?.session, resumed !== undefined ? "resumed" : "opened", state),
    ],
  };
}

/** The state as it was: a connection that is refused has touched nothing. */
const expired = (state: PeerState | undefined, sessionId: string): PeerStep => ({
  ...(state && { state }),
  effects: [{ kind: "close", sessionId, end: retryable("Expired") }],
});

/** What the peer goes on with, if it can. */
function goesOn(state: PeerState | undefined, resume: ResumePoint | undefined): ResumePoint | undefined {
  if (state === undefined || resume === undefined || !state.sessionIds.includes(resume.sessionId)) return undefined;
  return resume.received <= state.outbox.lastSeq ? resume : undefined;
}

const emptyInbox = (lineage: string): Inbox => ({ lineage, lastSeq: 0, takenSeq: 0, waiting: [] });

function deadlinesOf({ token: { expiresAtMs } }: SessionOpening, { nowMs, chance, rules }: PeerContext) {
  return sessionDeadlines({
    ...{ nowMs, jitter: chance, graceMs: rules.graceMs },
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  });
}

function outboxFrom(
  state: PeerState | undefined,
  resume: ResumePoint | undefined,
  rules: PeerContext["rules"],
): { readonly outbox: Outbox; readonly ids: readonly string[] } {
  if (state === undefined) return { outbox: emptyOutbox, ids: [] };
  if (resume === undefined) return { outbox: renumbered(state.outbox), ids: [] };
  const [outbox, ids] = confirmedUpTo(state.outbox, resume.received, rules);
  return { outbox, ids };
}

function takenFrom(before: PeerState | undefined): Pick<Acceptance, "takenFrom"> {
  if (before === undefined) return {};
  if (before.session !== undefined) return { takenFrom: "session" };
  return { takenFrom: before.isBrought ? "replica" : "away" };
}

type Beginning = Pick<Acceptance, "isResumed" | "takenFrom">;

function begun({ generation, outbox, inbox }: PeerState, { id, deadlines }: OpenSession, beginning: Beginning) {
  const acceptance = { generation, deadlines, received: inbox.takenSeq, ...beginning };
  const again = outbox.waiting.map((message): PeerEffect => ({ kind: "transmit", sessionId: id, message }));
  return [{ kind: "accept", sessionId: id, acceptance } as const, ...again];
}

function taken(old: OpenSession | undefined, kind: "opened" | "resumed", { session, generation }: PeerState) {
  const news: PeerEffect = { kind: "tell", news: { kind, sessionId: session?.id ?? "", generation } };
  if (old === undefined) return [news];
  return [{ kind: "close", sessionId: old.id, end: retryable("Superseded") } as const, news];
}
