import { KeyturnError } from "../errors/keyturn-error.ts";
import type { IdentityEffect, IdentityEvent, ShownCredential, StateProblem } from "./machine/identity-state.ts";
import type { PairIssuer } from "./pair-issuer.ts";
import type { PairStore } from "./store/pair-store.ts";

interface EffectPorts {
  readonly issuer: PairIssuer;
  readonly store: PairStore;
}

/** Does one effect, and returns what came of it. Never rejects. */
export async function eventOf(
  effect: Exclude<IdentityEffect, { kind: "tell" }>,
  { issuer, store }: EffectPorts,
  signal: AbortSignal,
): Promise<IdentityEvent | undefined> {
  switch (effect.kind) {
    case "lock":
      return lockEvent(store);
    case "ask":
      return askEvent(issuer, effect.showing, signal);
    case "save":
      try {
        await store.write(effect.pair);
        return { kind: "saved" };
      } catch (error) {
        return { kind: "notSaved", problem: problemOf(error) };
      }
    case "remove":
      await store.remove().catch(() => undefined);
      return { kind: "removed" };
    case "unlock":
      await store.unlock().catch(() => undefined);
      return undefined;
    default:
      return effect satisfies never;
  }
}

async function lockEvent(store: PairStore): Promise<IdentityEvent> {
  try {
    const stored = await store.lock();
    return { kind: "locked", ...(stored && { stored }) };
  } catch (error) {
    const problem = problemOf(error);
    return { kind: "notLocked", problem, isBusy: problem.code === "Locked" };
  }
}

async function askEvent(issuer: PairIssuer, showing: ShownCredential, signal: AbortSignal): Promise<IdentityEvent> {
  const answer = await issuer.ask(showing, signal);
  return answer.kind === "issued" ? { kind: "answered", issued: answer.issued } : { kind: "failed", failure: answer };
}

/** What nobody foresaw says nothing of itself: it may quote a token. */
const problemOf = (error: unknown): StateProblem =>
  error instanceof KeyturnError
    ? { code: error.code, message: error.message }
    : { code: "StoreFailed", message: "Cannot use the state of the identity: an unforeseen error" };
