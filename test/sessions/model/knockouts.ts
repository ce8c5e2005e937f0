import type { PeerContext, PeerEffect, PeerEvent, PeerState, PeerStep } from "../../../src/sessions/core/peer-state.ts";
import { stepPeer } from "../../../src/sessions/core/step-peer.ts";
import { omit } from "../../model/world/omit.ts";
import { scenarios } from "./scenarios.ts";
import type { Scenario } from "./world.ts";

/** A rule, what is done without it, and a world in which that does harm. */
export interface Knockout {
  readonly rule: string;
  readonly scenario: Scenario;
  /** What the last line of the shortest story says. */
  readonly ends: RegExp;
}

type Step = (state: PeerState | undefined, event: PeerEvent, context: PeerContext) => PeerStep;

const without = (scenario: Scenario, [rule, ends]: readonly [string, RegExp], step: Step): Knockout => ({
  ...{ rule, ends },
  scenario: { ...scenario, step },
});

/** The effects of an event of this kind, otherwise. */
const effectsOf =
  (kind: PeerEvent["kind"], other: (effects: readonly PeerEffect[]) => readonly PeerEffect[]): Step =>
  (state, event, context) => {
    const step = stepPeer(state, event, context);
    return event.kind === kind ? { ...step, effects: other(step.effects) } : step;
  };

/** An event of this kind does nothing. */
const deafTo =
  (kind: PeerEvent["kind"]): Step =>
  (state, event, context) =>
    event.kind === kind ? { ...(state && { state }), effects: [] } : stepPeer(state, event, context);

/** It comes from the open session, whatever it says. */
const mistaken =
  (kind: PeerEvent["kind"]): Step =>
  (state, event, context) => {
    const sessionId = state?.session?.id;
    const isMistaken = event.kind === kind && sessionId !== undefined && "sessionId" in event;
    return stepPeer(state, isMistaken ? { ...event, sessionId } : event, context);
  };

const { reconnects, known, upward, expiry, rotation, revocation, drain, away, anew } = scenarios;

export const knockouts: readonly Knockout[] = [
  without(reconnects, ["the end of an old session is its own", /^\(b\)/], mistaken("lost")),
  without(upward, ["what an old session still sends does not count", /^\((a|b)\)/], mistaken("heard")),
  without(reconnects, ["the new session is accepted before the old one is told", /^\(b\)/], (state, event, context) =>
    effectsOf("opened", (effects) => effects.toReversed())(state, event, context),
  ),
  without(reconnects, ["the old session is told", /^\(b\)/], (state, event, context) =>
    effectsOf("opened", (effects) => effects.filter(({ kind }) => kind !== "close"))(state, event, context),
  ),
  without(known, ["what was not confirmed goes again", /^\(f\)/], (state, event, context) =>
    effectsOf("opened", (effects) => effects.filter(({ kind }) => kind !== "transmit"))(state, event, context),
  ),
  without(known, ["it goes again in order", /^\(a\)/], (state, event, context) =>
    effectsOf("opened", (effects) => [
      ...effects.filter(({ kind }) => kind !== "transmit"),
      ...effects.filter(({ kind }) => kind === "transmit").toReversed(),
    ])(state, event, context),
  ),
  without(known, ["a session may go on that its owner never heard of", /^\(a\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    return step.state ? { ...step, state: { ...step.state, sessionIds: step.state.sessionIds.slice(-1) } } : step;
  }),
  without(known, ["a peer may name less than it has confirmed", /^\(a\)/], (state, event, context) => {
    const confirmed = state ? state.outbox.lastSeq - state.outbox.waiting.length : 0;
    const isLess = event.kind === "opened" && (event.resume?.received ?? 0) < confirmed;
    return stepPeer(state, isLess ? omit(event, "resume") : event, context);
  }),
  {
    rule: "whoever goes on with nothing skips what it has had, by its id",
    ends: /^\(a\)/,
    scenario: { ...reconnects, isForgetful: true },
  },
  without(upward, ["what comes again is skipped", /^\(a\)/], (state, event, context) => {
    const isAgain = event.kind === "heard" && state !== undefined && event.message.seq <= state.inbox.lastSeq;
    const seq = (state?.inbox.lastSeq ?? 0) + 1;
    return stepPeer(state, isAgain ? { ...event, message: { ...event.message, seq } } : event, context);
  }),
  without(upward, ["a message is confirmed when the application has it", /^\(a\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    if (event.kind !== "heard" || step.state === undefined) return step;
    const then = stepPeer(
      step.state,
      { kind: "taken", lineage: step.state.inbox.lineage, seq: event.message.seq },
      context,
    );
    return { ...then, effects: [...step.effects, ...then.effects] };
  }),
  without(anew, ["what is taken counts for its own lineage", /^\(a\)/], (state, event, context) =>
    stepPeer(state, event.kind === "taken" && state ? { ...event, lineage: state.inbox.lineage } : event, context),
  ),
  without(anew, ["a new lineage counts anew", /^\((a|b|f)\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    if (event.kind !== "opened" || state === undefined || step.state === undefined) return step;
    return { ...step, state: { ...step.state, inbox: state.inbox } };
  }),
  without(expiry, ["a session is closed after its end and the grace", /^\(c\)/], deafTo("looked")),
  without(expiry, ["a renewal in place moves the deadlines", /^\(b\)/], deafTo("renewed")),
  without(expiry, ["a renewal that comes late moves nothing back", /^\(b\)/], (state, event, context) => {
    if (event.kind !== "renewed" || state?.session?.id !== event.sessionId) return stepPeer(state, event, context);
    const session = { ...state.session, token: { ...state.session.token, expiresAtMs: 0 } };
    return stepPeer({ ...state, session }, event, context);
  }),
  without(away, ["a token that has ended opens nothing", /^\(d\)/], (state, event, context) => {
    const isOver = event.kind === "opened" && (event.token.expiresAtMs ?? Infinity) <= context.nowMs;
    return stepPeer(state, event, isOver ? { ...context, nowMs: (event.token.expiresAtMs ?? 0) - 1 } : context);
  }),
  without(revocation, ["what is revoked is closed in the same tick", /^\(d\)/], deafTo("revoked")),
  {
    rule: "a key that is pruned ends nothing",
    ends: /^\(b\)/,
    scenario: {
      ...rotation,
      revoked: (before, after) =>
        [...("kids" in before && before.kids instanceof Set ? before.kids : [])]
          .filter((kid) => "kids" in after && after.kids instanceof Set && !after.kids.has(kid))
          .map((kid) => ({ kind: "key", value: String(kid) })),
    },
  },
  without(drain, ["a session is closed within the drain", /^\(e\)/], deafTo("draining")),
  without(revocation, ["who waits for a peer that is forgotten is told", /^\(a\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    return step.state ? step : { effects: step.effects.filter(({ kind }) => kind !== "answer") };
  }),
  without(away, ["nothing is kept for ever", /^\(g\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    return step.state ? { ...step, state: omit(step.state, "keptUntilMs") } : step;
  }),
];
