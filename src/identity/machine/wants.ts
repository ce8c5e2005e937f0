import { hasEnded, isDueAtStart, isDueOnUse, throttledUntilMs } from "../../deadline/renewal.ts";
import type { HeldPair } from "./held-pair.ts";
import type { IdentityState, IdentityTrouble, RenewalReason } from "./identity-state.ts";

/** Whether there is reason to ask the issuer now: also once the lock is ours, since somebody may have come first. */
export function isWanted(state: IdentityState, why: RenewalReason, nowMs: number): boolean {
  const { held } = state;
  if (held === undefined || why.kind === "hand") return true;
  const { life, refusals, tokenId } = held;
  switch (why.kind) {
    case "start":
      return isDueAtStart(life, nowMs);
    case "time":
      return nowMs >= dueAtMs(state);
    case "use":
      return isDueOnUse(life, nowMs) && nowMs >= throttledUntilMs(life, refusals);
    case "refused":
      return tokenId === why.tokenId && nowMs >= throttledUntilMs(life, refusals);
    default:
      return why satisfies never;
  }
}

/** What was tried and failed is not tried before its time, unless somebody asks by hand. */
export const isHeldBack = ({ retryAtMs }: IdentityState, { kind }: RenewalReason, nowMs: number): boolean =>
  retryAtMs !== undefined && nowMs < retryAtMs && kind !== "hand";

/** When the timer renews. */
function dueAtMs({ keep, held }: IdentityState): number {
  if (held === undefined) return -Infinity;
  const { life, refusals, renewAtMs, refresh } = held;
  const accessAtMs = keep === "always" ? renewAtMs : Infinity;
  return Math.max(throttledUntilMs(life, refusals), Math.min(accessAtMs, refresh?.keepAliveAtMs ?? Infinity));
}

/** When the clock says that something is to be done: `looked` does nothing before. Unix milliseconds, Infinity while something is under way. */
export function wakeAtMs(state: IdentityState): number {
  if (state.phase.kind !== "resting") return Infinity;
  return Math.max(state.isSaved ? dueAtMs(state) : -Infinity, state.retryAtMs ?? -Infinity);
}

/** Any token that is good for a while; or, because that one won't do, another than the one of this id. */
export type TokenWish = { readonly kind: "any" } | { readonly kind: "another"; readonly than: string | undefined };

export type TokenAnswer =
  | { readonly kind: "given"; readonly pair: HeldPair }
  /** What is under way tells. */
  | { readonly kind: "wait" }
  | { readonly kind: "none"; readonly trouble: IdentityTrouble };

/** What somebody is told who wants a token now. Nobody is given one that is about to end while a better one may come. */
export function answerTo(state: IdentityState, wish: TokenWish, nowMs: number): TokenAnswer {
  const { held, phase, ending } = state;
  if (ending !== undefined || phase.kind === "closed") return { kind: "none", trouble: closedTrouble(nowMs) };
  const fits = held !== undefined && (wish.kind === "any" || held.tokenId !== wish.than);
  const isGood = fits && !hasEnded(held.life, nowMs);
  if (isGood && !isDueOnUse(held.life, nowMs)) return { kind: "given", pair: held };
  if (phase.kind !== "resting") return { kind: "wait" };
  if (isGood) return { kind: "given", pair: held };
  return { kind: "none", trouble: state.trouble ?? noneTrouble(nowMs) };
}

const closedTrouble = (atMs: number): IdentityTrouble => ({
  code: "Closed",
  message: "Cannot give a token: the identity was closed",
  isFinal: true,
  atMs,
});

/** The throttle holds: somebody refuses every token. */
const noneTrouble = (atMs: number): IdentityTrouble => ({
  code: "Throttled",
  message: "Cannot give another token: the last one is too new to be renewed already",
  isFinal: false,
  atMs,
});
