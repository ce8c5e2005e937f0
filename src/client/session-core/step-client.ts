import { comeBackAtMs } from "../../deadline/come-back.ts";
import { attempted, attemptOf, connected, attemptFailed, tokenShown, turnedAway } from "./attempts.ts";
import type {
  AcceptedSession,
  ClientContext,
  ClientEffect,
  ClientEvent,
  ClientState,
  ClientStep,
  ConnectionEnd,
  SessionTerms,
} from "./client-state.ts";
import { isOfToken, lateEnd, leftEnd, noTokenEnd, silentEnd } from "./connection-end.ts";

type EventOf<Kind extends ClientEvent["kind"]> = Extract<ClientEvent, { kind: Kind }>;

/** So many heartbeats of the gateway may be missed. */
const patience = 2.5;
/** A session that was open for so long was good: what failed before is forgotten. */
const goodMs = 30_000;

/**
 * One client through all its sessions: what happens to it, and what is to be done. Pure; whoever runs it does the effects in their order, at
 * once. What comes of a connection or a question that is not the newest one changes nothing.
 */
export function stepClient(state: ClientState, event: ClientEvent, at: ClientContext): ClientStep {
  if (state.phase.kind === "ended") return unchanged(state);
  switch (event.kind) {
    case "looked":
      return looked(state, at);
    case "given":
      return tokenShown(state, event, at);
    case "notGiven":
      return isAsking(state, event.number) ? attemptFailed(state, event, at) : unchanged(state);
    case "accepted":
      return accepted(state, event, at);
    case "renewed":
      return renewed(state, event, at);
    case "notRenewed":
      return notRenewed(state, event, at);
    case "heard":
      return heard(state, event, at);
    case "lost":
      return lost(state, event, at);
    case "left":
      return ended(state, leftEnd);
    default:
      return event satisfies never;
  }
}

const unchanged = (state: ClientState): ClientStep => ({ state, effects: [] });

/** When the clock says that something is to be done: `looked` does nothing before. Infinity: never. */
export function clientWakeAtMs({ phase }: ClientState): number {
  switch (phase.kind) {
    case "waiting":
      return phase.untilMs;
    case "connecting":
      return phase.attempt.giveUpAtMs;
    case "open": {
      const { session, next } = phase;
      const nextAtMs =
        next.kind === "due" ? next.atMs : next.kind === "trying" ? next.attempt.giveUpAtMs : next.giveUpAtMs;
      return Math.min(session.beatAtMs, silentAtMs(session), nextAtMs);
    }
    case "ended":
      return Infinity;
    default:
      return phase satisfies never;
  }
}

const silentAtMs = ({ heardAtMs, heartbeatMs }: AcceptedSession): number => heardAtMs + patience * heartbeatMs;

function looked(state: ClientState, at: ClientContext): ClientStep {
  const { phase } = state;
  const { nowMs } = at;
  if (phase.kind === "waiting") return nowMs >= phase.untilMs ? attempted(state, phase, at) : unchanged(state);
  if (phase.kind === "connecting") return nowMs >= phase.attempt.giveUpAtMs ? givenUp(state, at) : unchanged(state);
  if (phase.kind !== "open") return unchanged(state);
  const { session, next } = phase;
  if (nowMs >= silentAtMs(session)) {
    const { connection } = session;
    const step = lost(state, { kind: "lost", connection, end: silentEnd }, at);
    return { ...step, effects: [{ kind: "cut", connection }, ...step.effects] };
  }
  if (nowMs >= session.beatAtMs) {
    const beaten = { ...session, beatAtMs: nowMs + session.heartbeatMs };
    return {
      state: { ...state, phase: { ...phase, session: beaten } },
      effects: [{ kind: "beat", connection: session.connection }],
    };
  }
  if (next.kind === "trying") return nowMs >= next.attempt.giveUpAtMs ? givenUp(state, at) : unchanged(state);
  if (next.kind === "renewing")
    return nowMs >= next.giveUpAtMs
      ? notRenewed(state, { kind: "notRenewed", number: next.number }, at)
      : unchanged(state);
  return nowMs >= next.atMs ? attempted(state, { refused: next.refused ?? session.token }, at) : unchanged(state);
}

/** The attempt that is under way has taken too long. */
function givenUp(state: ClientState, at: ClientContext): ClientStep {
  const attempt = attemptOf(state);
  if (attempt?.kind !== "showing") return attemptFailed(state, { end: noTokenEnd }, at);
  const step = attemptFailed(state, { end: lateEnd }, at);
  return { ...step, effects: [{ kind: "cut", connection: attempt.number }, ...step.effects] };
}

const isAsking = (state: ClientState, number: number): boolean => {
  const attempt = attemptOf(state);
  return attempt?.kind === "asking" && attempt.number === number;
};

/** The new session counts from now on; the gateway closes the one before. */
function accepted(state: ClientState, event: EventOf<"accepted">, at: ClientContext): ClientStep {
  const { connection, sessionId, heartbeatMs, terms } = event;
  const attempt = attemptOf(state);
  if (attempt?.kind !== "showing" || attempt.number !== connection) return unchanged(state);
  const { nowMs, chance } = at;
  const old = state.phase.kind === "open" ? state.phase.session : undefined;
  const deadlines = deadlinesOf(terms, nowMs);
  const session: AcceptedSession = {
    ...{ sessionId, connection, token: attempt.token, deadlines, heartbeatMs },
    ...{ acceptedAtMs: nowMs, heardAtMs: nowMs, beatAtMs: nowMs + heartbeatMs },
  };
  const next = { kind: "due", atMs: comeBackAtMs(deadlines, chance) } as const;
  return {
    state: {
      ...state,
      phase: { kind: "open", session, next },
      ...(old && isGood(old, nowMs) && nothingFailed),
    },
    effects: [
      ...(old ? [{ kind: "retire", connection: old.connection } as const] : []),
      { kind: "tell", news: { kind: "open", sessionId } },
    ],
  };
}

const deadlinesOf = ({ expiresInMs, reconnectInMs }: SessionTerms, nowMs: number) => ({
  openedAtMs: nowMs,
  ...(expiresInMs !== undefined && { expiresAtMs: nowMs + expiresInMs }),
  ...(reconnectInMs !== undefined && { reconnectBeforeMs: nowMs + reconnectInMs }),
});

/** A renewal may be of somebody else's doing: then it is not known by which token, and an attempt that is under way goes on. */
function renewed(state: ClientState, { connection, terms, token }: EventOf<"renewed">, at: ClientContext): ClientStep {
  const { phase } = state;
  if (phase.kind !== "open" || phase.session.connection !== connection) return unchanged(state);
  const deadlines = deadlinesOf(terms, at.nowMs);
  const session = { ...phase.session, deadlines, ...(token !== undefined && { token }) };
  const { sessionId } = session;
  if (phase.next.kind === "trying") return unchanged({ ...state, phase: { ...phase, session } });
  const next = { kind: "due", atMs: comeBackAtMs(deadlines, at.chance) } as const;
  return {
    state: { ...state, phase: { kind: "open", session, next }, refusals: 0 },
    effects: phase.next.kind === "renewing" ? [{ kind: "tell", news: { kind: "open", sessionId } }] : [],
  };
}

/** Then by another connection, with the same token. */
function notRenewed(state: ClientState, { number }: EventOf<"notRenewed">, at: ClientContext): ClientStep {
  const { phase } = state;
  if (phase.kind !== "open" || phase.next.kind !== "renewing" || phase.next.number !== number) return unchanged(state);
  return connected(state, phase.next.token, at);
}

function heard(state: ClientState, { connection }: EventOf<"heard">, { nowMs }: ClientContext): ClientStep {
  const { phase } = state;
  if (phase.kind !== "open" || phase.session.connection !== connection) return unchanged(state);
  return unchanged({ ...state, phase: { ...phase, session: { ...phase.session, heardAtMs: nowMs } } });
}

function lost(state: ClientState, { connection, end }: EventOf<"lost">, at: ClientContext): ClientStep {
  const { phase } = state;
  const attempt = attemptOf(state);
  const isOfAttempt = attempt?.kind === "showing" && attempt.number === connection;
  const isOfSession = phase.kind === "open" && phase.session.connection === connection;
  if (!isOfAttempt && !isOfSession) return unchanged(state);
  if (!end.isRetryable) return ended(state, end, connection);
  if (isOfAttempt)
    return isOfToken(end) ? turnedAway(state, { end, token: attempt.token }, at) : attemptFailed(state, { end }, at);
  return phase.kind === "open" ? sessionLost(state, phase, { end, at }) : unchanged(state);
}

interface Loss {
  readonly end: ConnectionEnd;
  readonly at: ClientContext;
}

/** What is under way for the next session goes on; where nothing is, it begins after a while. */
function sessionLost(
  state: ClientState,
  { session, next }: Extract<ClientState["phase"], { kind: "open" }>,
  { end, at }: Loss,
): ClientStep {
  const before = { ...state, ...(isGood(session, at.nowMs) && nothingFailed) };
  if (next.kind === "trying") {
    const { attempt } = next;
    // The gateway has accepted it, and the word is on its way
    const isNewer = attempt.kind === "showing" && end.code === "Superseded";
    return {
      state: { ...before, phase: { kind: "connecting", attempt } },
      effects: isNewer ? [] : [{ kind: "tell", news: { kind: "connecting" } }],
    };
  }
  const alone: ClientState = { ...before, phase: { kind: "waiting", untilMs: at.nowMs } };
  if (isOfToken(end)) return turnedAway(alone, { end, token: session.token }, at);
  return attemptFailed(alone, { end }, at);
}

/** One that ends at once with a token that was taken would else ask for the next one without a pause. */
const nothingFailed = { failures: 0, refusals: 0 } as const;

const isGood = ({ acceptedAtMs }: AcceptedSession, nowMs: number): boolean => nowMs - acceptedAtMs >= goodMs;

/** For good. @param over - The connection that has ended already */
function ended(state: ClientState, end: ConnectionEnd, over?: number): ClientStep {
  const { phase } = state;
  const attempt = attemptOf(state);
  const open = [
    ...(phase.kind === "open" ? [phase.session.connection] : []),
    ...(attempt?.kind === "showing" ? [attempt.number] : []),
  ].filter((connection) => connection !== over);
  const way = end === leftEnd ? "leave" : "cut";
  return {
    state: { ...state, phase: { kind: "ended" } },
    effects: [
      ...open.map((connection): ClientEffect => ({ kind: way, connection })),
      { kind: "tell", news: { kind: "ended", end } },
    ],
  };
}
