import type {
  IdentityEvent,
  IdentityState,
  IdentityStep,
  Instant,
} from "../../../src/identity/machine/identity-state.ts";
import { stepIdentity } from "../../../src/identity/machine/step-identity.ts";
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

type Step = (state: IdentityState, event: IdentityEvent, at: Instant) => IdentityStep;

const without = (scenario: Scenario, [rule, ends]: readonly [string, RegExp], step: Step): Knockout => ({
  ...{ rule, ends },
  scenario: { ...scenario, step },
});

const { timely, twins, proven, full, denied, used, setBack } = scenarios;

export const knockouts: readonly Knockout[] = [
  {
    rule: "the lock keeps others out",
    ends: /^\(b\)/,
    scenario: { ...twins, isLockless: true },
  },
  without(twins, ["what the disk has is read again under the lock", /^\((a|e)\)/], (state, event, at) =>
    stepIdentity(state, event.kind === "locked" ? omit(event, "stored") : event, at),
  ),
  without(proven, ["nothing is given out before the disk has it", /^\(c\)/], (state, event, at) => {
    const step = stepIdentity(state, event, at);
    const { phase } = step.state;
    if (event.kind !== "answered" || phase.kind !== "saving") return step;
    return stepIdentity(step.state, { kind: "saved" }, at);
  }),
  without(
    timely,
    ["a lost answer is asked for again within the window, whatever Retry-After says", /^\(a\)/],
    (state, event, at) =>
      event.kind === "failed" && event.failure.kind === "away"
        ? stepIdentity(state, { ...event, failure: { ...event.failure, mayBeDone: false } }, at)
        : stepIdentity(state, event, at),
  ),
  without(timely, ["a refresh token is kept when its answer is lost", /^\(a\)/], (state, event, at) => {
    const { state: next, effects } = stepIdentity(state, event, at);
    const isLost = event.kind === "failed" && event.failure.kind === "away" && next.held !== undefined;
    return { state: isLost ? { ...next, held: omit(next.held, "refresh") } : next, effects };
  }),
  without(denied, ["what is denied waits for something to change", /^\(e\)/], (state, event, at) => {
    const step = stepIdentity(state, event, at);
    return step.state.trouble?.isFinal === true ? { ...step, state: omit(step.state, "retryAtMs") } : step;
  }),
  without(denied, ["a refresh token that is dead is not shown again", /^\(e\)/], (state, event, at) =>
    event.kind === "failed" && event.failure.kind === "denied"
      ? stepIdentity(state, { ...event, failure: { ...event.failure, isTokenDead: false } }, at)
      : stepIdentity(state, event, at),
  ),
  {
    rule: "nobody is given a token that has ended",
    ends: /^\(d\)/,
    scenario: {
      ...proven,
      answer: ({ held, ...state }) =>
        held
          ? { kind: "given", pair: held }
          : { kind: "none", trouble: { code: state.phase.kind, message: "", isFinal: false, atMs: 0 } },
    },
  },
  without(proven, ["a life counts from when the token was asked for", /^\(d\)/], (state, event, at) =>
    event.kind === "answered" && state.phase.kind === "asking"
      ? stepIdentity({ ...state, phase: { ...state.phase, sinceMs: at.nowMs } }, event, at)
      : stepIdentity(state, event, at),
  ),
  without(used, ["who wants a token that is about to end causes a renewal", /^\(d\)/], (state, event, at) =>
    event.kind === "wanted" && event.why.kind === "use" ? { state, effects: [] } : stepIdentity(state, event, at),
  ),
  without(used, ["a token that has just come is not renewed because it is refused", /^\(f\)/], (state, event, at) => {
    const isRefused =
      event.kind === "wanted" && event.why.kind === "refused" && event.why.tokenId === state.held?.tokenId;
    return stepIdentity(state, isRefused ? { kind: "wanted", why: { kind: "hand" } } : event, at);
  }),
  without(used, ["an answer after the identity was forgotten is thrown away", /^\(h\)/], (state, event, at) => {
    const { state: next, effects } = stepIdentity(state, event, at);
    // As though nobody had to come back to the disk
    const isRemoving = next.phase.kind === "removing" && next.ending === "forget" && event.kind === "saved";
    return isRemoving
      ? { state: { ...next, phase: { kind: "closed" } }, effects: [{ kind: "unlock" }] }
      : { state: next, effects };
  }),
  without(setBack, ["a clock that is set back moves what is known with it", /^\(d\)/], (state, event, at) =>
    event.kind === "setBack" ? { state, effects: [] } : stepIdentity(state, event, at),
  ),
  without(setBack, ["a token from the future has ended", /^\(d\)/], (state, event, at) => {
    const step = stepIdentity(state, event, at);
    if (event.kind !== "started" || event.stored === undefined) return step;
    return { ...step, state: { ...step.state, held: event.stored } };
  }),
  without(full, ["while the disk has not what is held, the lock stays", /^\((a|b|c|e)\)/], (state, event, at) => {
    const { state: next, effects } = stepIdentity(state, event, at);
    return event.kind === "notSaved"
      ? { state: next, effects: [...effects, { kind: "unlock" }] }
      : { state: next, effects };
  }),
];
