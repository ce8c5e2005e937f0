import { isDueOnUse, neverLived } from "../../deadline/renewal.ts";
import { foundAt, heldBack, heldFrom, type HeldPair, newerOf, withoutRefresh, withTokenOf } from "./held-pair.ts";
import type {
  ExchangeFailure,
  IdentityEffect,
  IdentityEvent,
  IdentityPhase,
  IdentityState,
  IdentityStep,
  Instant,
  AfterFailure,
  StateProblem,
  RenewalReason,
  ShownCredential,
} from "./identity-state.ts";
import { afterFailure } from "./after-failure.ts";
import { isHeldBack, isWanted } from "./wants.ts";

/**
 * One identity, whose token is kept fresh: what happens to it, and what is to be done. Pure; whoever runs it does the effects in their order,
 * and brings back what came of each as an event, one after the other.
 *
 * ```
 *   resting ──wanted──▶ locking ──▶ asking ──answered──▶ saving ──saved──▶ resting
 *                          │           └── failed: all is kept; denied: the first credential, once
 *                          └── somebody came first: his token is taken
 * ```
 */
export function stepIdentity(before: IdentityState, event: IdentityEvent, at: Instant): IdentityStep {
  const { state, effects } = afterEvent(before, event, at);
  const { held } = state;
  if (held === undefined || held.tokenId === before.held?.tokenId || neverLived(held.life)) return { state, effects };
  return { state, effects: [...effects, { kind: "tell", news: { kind: "renewed", pair: held } }] };
}

function afterEvent(state: IdentityState, event: IdentityEvent, at: Instant): IdentityStep {
  switch (event.kind) {
    case "started":
      return begin({ ...state, ...(event.stored && { held: foundAt(event.stored, at.nowMs) }) }, { kind: "start" }, at);
    case "looked":
      return look(state, at);
    case "wanted":
      return begin(state, event.why, at);
    case "credentialChanged":
      return state.trouble?.isFinal === true ? look(withoutRetry(state), at) : nothing(state);
    case "setBack":
      return nothing(setBack(state, event.byMs));
    case "locked":
      return locked(state, event.stored, at);
    case "notLocked":
      return notLocked(state, event, at);
    case "answered":
      return answered(state, event, at);
    case "failed":
      return failed(state, event.failure, at);
    case "saved":
      return saved(state);
    case "notSaved":
      return notSaved(state, event.problem, at);
    case "removed":
      return state.phase.kind === "removing" ? closed(state, [{ kind: "unlock" }]) : nothing(state);
    case "ended":
      return ended(state, event.how);
    default:
      return event satisfies never;
  }
}

const nothing = (state: IdentityState): IdentityStep => ({ state, effects: [] });

function begin(state: IdentityState, why: RenewalReason, at: Instant): IdentityStep {
  const { phase, ending, isSaved } = state;
  if (phase.kind !== "resting" || ending !== undefined) return nothing(state);
  if (!isWanted(state, why, at.nowMs) || isHeldBack(state, why, at.nowMs)) return nothing(state);
  if (!isSaved) return ask(state, why, at);
  return { state: { ...state, phase: { kind: "locking", why } }, effects: [{ kind: "lock" }] };
}

/** What is not on the disk is written first: a renewal waits for that as long as the token is good for it. */
function look(state: IdentityState, at: Instant): IdentityStep {
  const { phase, held, isSaved } = state;
  if (phase.kind !== "resting" || isSaved || held === undefined) return begin(state, { kind: "time" }, at);
  if (isHeldBack(state, { kind: "time" }, at.nowMs)) return nothing(state);
  const isPressing = isDueOnUse(held.life, at.nowMs) && isWanted(state, { kind: "time" }, at.nowMs);
  return isPressing ? ask(state, { kind: "time" }, at) : save(state, held);
}

function locked(state: IdentityState, stored: HeldPair | undefined, at: Instant): IdentityStep {
  const { phase, ending } = state;
  if (phase.kind !== "locking") return nothing(state);
  if (ending !== undefined) return rest(state);
  const held = newerOf(state.held, stored);
  const adopted = held === state.held ? state : withoutTrouble({ ...state, ...(held && { held }) });
  return isWanted(adopted, phase.why, at.nowMs) ? ask(adopted, phase.why, at) : rest(adopted);
}

/** A disk that is no good lets no token end: nobody else can write there either. */
function notLocked(
  state: IdentityState,
  { problem, isBusy }: Extract<IdentityEvent, { kind: "notLocked" }>,
  at: Instant,
): IdentityStep {
  const { phase, held, ending } = state;
  if (phase.kind !== "locking") return nothing(state);
  const isPressing = !isBusy && held !== undefined && isDueOnUse(held.life, at.nowMs) && ending === undefined;
  return isPressing ? ask(state, phase.why, at) : rest(state, afterFailure(state, problem, at));
}

function ask(state: IdentityState, why: RenewalReason, at: Instant): IdentityStep {
  const token = state.held?.refresh?.token;
  return token === undefined ? askFirst(state, why, at) : show(state, { why, showing: { kind: "refresh", token } }, at);
}

function askFirst(state: IdentityState, why: RenewalReason, at: Instant): IdentityStep {
  const notAgain = state.held?.handedOver;
  return show(state, { why, showing: { kind: "first", ...(notAgain !== undefined && { notAgain }) } }, at);
}

const show = (
  state: IdentityState,
  asked: { readonly why: RenewalReason; readonly showing: ShownCredential },
  { nowMs }: Instant,
): IdentityStep => ({
  state: { ...state, phase: { kind: "asking", ...asked, sinceMs: nowMs } },
  effects: [{ kind: "ask", showing: asked.showing }],
});

function answered(
  state: IdentityState,
  { issued }: Extract<IdentityEvent, { kind: "answered" }>,
  at: Instant,
): IdentityStep {
  const { phase, held, ending } = state;
  if (phase.kind !== "asking") return nothing(state);
  if (ending === "forget") return rest(state);
  const { why, sinceMs } = phase;
  const [isAfterRefusal, { chance }] = [why.kind === "refused", at];
  const next = heldFrom(issued, { askedAtMs: sinceMs, chance, ...(held && { before: held }), isAfterRefusal });
  if (!neverLived(next.life)) return save(state, next);
  // Its refresh token may be the only one that is good by now
  return save(state, held ? withTokenOf(held, next) : next, afterFailure(state, tokenEnded, at));
}

const tokenEnded: StateProblem = {
  code: "TokenEnded",
  message: "Cannot get a token: the issuer gives tokens that have ended",
};

const save = (state: IdentityState, next: HeldPair, after?: AfterFailure): IdentityStep => ({
  state: { ...state, phase: { kind: "saving", next, ...(after && { after }) } },
  effects: [{ kind: "save", pair: next }],
});

function failed(state: IdentityState, failure: ExchangeFailure, at: Instant): IdentityStep {
  const { phase, held, ending } = state;
  if (phase.kind !== "asking") return nothing(state);
  const isDenied = failure.kind === "denied";
  if (isDenied && phase.showing.kind === "refresh" && ending === undefined) {
    const isDead = failure.isTokenDead && held !== undefined;
    return askFirst(isDead ? { ...state, held: withoutRefresh(held), isSaved: false } : state, phase.why, at);
  }
  const outcome = afterFailure(state, failure, at);
  // A token that is dead is not to be shown again, not even after a restart
  return state.isSaved || held === undefined ? rest(state, outcome) : save(state, held, outcome);
}

function saved(state: IdentityState): IdentityStep {
  const { phase } = state;
  if (phase.kind !== "saving") return nothing(state);
  return rest(withoutTrouble({ ...state, held: phase.next, isSaved: true }), phase.after);
}

/** The new pair is in use all the same: the one before it is good for a retry alone, and the disk has that. */
function notSaved(state: IdentityState, problem: StateProblem, at: Instant): IdentityStep {
  const { phase } = state;
  if (phase.kind !== "saving") return nothing(state);
  const { next, after } = phase;
  return rest({ ...state, held: next, isSaved: false }, after ?? afterFailure(state, problem, at));
}

/** Nothing is under way any more; `outcome` is why it came to nothing. */
function rest(state: IdentityState, outcome?: AfterFailure): IdentityStep {
  const rested: IdentityState = { ...state, ...outcome, phase: { kind: "resting" } };
  const told: readonly IdentityEffect[] =
    outcome === undefined ? [] : [{ kind: "tell", news: { kind: "troubled", trouble: outcome.trouble } }];
  const { ending } = state;
  if (ending === "forget") {
    return { state: { ...rested, phase: { kind: "removing" } }, effects: [...told, { kind: "remove" }] };
  }
  const unlocked: readonly IdentityEffect[] = rested.isSaved || ending !== undefined ? [{ kind: "unlock" }] : [];
  if (ending !== undefined) return closed(rested, [...unlocked, ...told]);
  return { state: rested, effects: [...unlocked, ...told] };
}

const closed = (state: IdentityState, effects: readonly IdentityEffect[]): IdentityStep => ({
  state: { ...state, phase: { kind: "closed" } },
  effects,
});

function ended(before: IdentityState, how: IdentityState["ending"]): IdentityStep {
  if (before.phase.kind === "closed" || before.ending === "forget") return nothing(before);
  const state: IdentityState = { ...before, ...(how && { ending: how }) };
  if (state.phase.kind !== "resting") return nothing(state);
  if (how === "forget" && state.isSaved) {
    return { state: { ...state, phase: { kind: "locking", why: { kind: "hand" } } }, effects: [{ kind: "lock" }] };
  }
  if (how === "close" && !state.isSaved && state.held) return save(state, state.held);
  return rest(state);
}

const withoutTrouble = ({ trouble: _over, ...state }: IdentityState): IdentityState => ({
  ...withoutRetry(state),
  failures: 0,
});

const withoutRetry = ({ retryAtMs: _over, ...state }: IdentityState): IdentityState => state;

function setBack(state: IdentityState, byMs: number): IdentityState {
  const { held, retryAtMs, phase } = state;
  return {
    ...state,
    ...(held && { held: heldBack(held, byMs) }),
    ...(retryAtMs !== undefined && { retryAtMs: retryAtMs - byMs }),
    phase: phaseBack(phase, byMs),
  };
}

function phaseBack(phase: IdentityPhase, byMs: number): IdentityPhase {
  if (phase.kind === "asking") return { ...phase, sinceMs: phase.sinceMs - byMs };
  return phase.kind === "saving" ? { ...phase, next: heldBack(phase.next, byMs) } : phase;
}
