import { backoffMs } from "../../time/backoff.ts";
import type {
  Attempt,
  ClientContext,
  ClientEffect,
  ClientEvent,
  ClientState,
  ClientStep,
  ConnectionEnd,
} from "./client-state.ts";

/** The keeper has a time-out of its own; whoever has none is not waited for without end. */
const askingMs = 60_000;
/** From the first byte until the session is accepted, or renewed. */
const showingMs = 10_000;
const backoff = { baseMs: 1000, maxMs: 30_000 } as const;

/** What is under way, beside an open session or without one. */
export function attemptOf({ phase }: ClientState): Attempt | undefined {
  if (phase.kind === "connecting") return phase.attempt;
  return phase.kind === "open" && phase.next.kind === "trying" ? phase.next.attempt : undefined;
}

/** A token is asked for; with `refused`, another one than that. */
export function attempted(
  state: ClientState,
  { refused }: { readonly refused?: string },
  { nowMs }: ClientContext,
): ClientStep {
  const number = state.number + 1;
  const attempt = { kind: "asking", number, giveUpAtMs: nowMs + askingMs } as const;
  const ask: ClientEffect = { kind: "ask", number, ...(refused !== undefined && { refused }) };
  const { phase } = state;
  const news =
    phase.kind === "open"
      ? ({ kind: "renewing", sessionId: phase.session.sessionId } as const)
      : ({ kind: "connecting" } as const);
  return { state: { ...withAttempt(state, attempt), number }, effects: [{ kind: "tell", news }, ask] };
}

/** The token has come, and is shown: over a connection of its own, or to the session that is open. */
export function tokenShown(
  state: ClientState,
  { number, token }: Extract<ClientEvent, { kind: "given" }>,
  at: ClientContext,
): ClientStep {
  const attempt = attemptOf(state);
  if (attempt?.kind !== "asking" || attempt.number !== number) return { state, effects: [] };
  const { phase } = state;
  if (phase.kind !== "open" || state.renewal === "reconnect") return connected(state, token, at);
  const next = { kind: "renewing", number, giveUpAtMs: at.nowMs + showingMs, token } as const;
  return {
    state: { ...state, phase: { ...phase, next } },
    effects: [{ kind: "renew", number, session: phase.session, token }],
  };
}

/** One more connection, with this token. */
export function connected(state: ClientState, token: string, { nowMs }: ClientContext): ClientStep {
  const number = state.number + 1;
  const attempt = { kind: "showing", number, giveUpAtMs: nowMs + showingMs, token } as const;
  return {
    state: { ...withAttempt(state, attempt), number },
    effects: [{ kind: "connect", connection: number, token }],
  };
}

/** Beside the session that is open, if there is one. */
function withAttempt(state: ClientState, attempt: Attempt): ClientState {
  const { phase } = state;
  return phase.kind === "open"
    ? { ...state, phase: { ...phase, next: { kind: "trying", attempt } } }
    : { ...state, phase: { kind: "connecting", attempt } };
}

interface Failure {
  readonly end: ConnectionEnd;
  /** A token that is no good: another one is asked for. */
  readonly refused?: string;
}

/** It came to nothing: the next attempt is after a while, and after what the gateway has asked for. */
export function attemptFailed(before: ClientState, { end, refused }: Failure, at: ClientContext): ClientStep {
  const failures = before.failures + 1;
  const pauseMs = Math.ceil(backoffMs(backoff, failures, () => at.chance));
  const waitMs = Math.max(end.afterMs, pauseMs);
  return waiting({ ...before, failures }, { end, waitMs, ...(refused !== undefined && { refused }) }, at);
}

/** Its token was refused: another one is asked for, the first time at once; after that as after any other failure. */
export function turnedAway(
  before: ClientState,
  { end, token }: { readonly end: ConnectionEnd; readonly token: string },
  at: ClientContext,
): ClientStep {
  const state = { ...before, refusals: before.refusals + 1 };
  if (before.refusals > 0) return attemptFailed(state, { end, refused: token }, at);
  return waiting(state, { end, waitMs: end.afterMs, refused: token }, at);
}

interface Pause extends Failure {
  readonly waitMs: number;
}

/** A session that is open goes on meanwhile. */
function waiting(state: ClientState, { end, waitMs, refused }: Pause, { nowMs }: ClientContext): ClientStep {
  const { phase } = state;
  const untilMs = nowMs + waitMs;
  const not = refused === undefined ? {} : { refused };
  if (phase.kind !== "open") {
    return {
      state: { ...state, phase: { kind: "waiting", untilMs, ...not } },
      effects: [{ kind: "tell", news: { kind: "waiting", afterMs: waitMs, end } }],
    };
  }
  const { sessionId } = phase.session;
  return {
    state: { ...state, phase: { ...phase, next: { kind: "due", atMs: untilMs, ...not } } },
    effects: [{ kind: "tell", news: { kind: "open", sessionId, trouble: end } }],
  };
}
