import type { Issued, PairIssuer } from "../../../src/identity/pair-issuer.ts";
import type { ExchangeFailure, ShownCredential } from "../../../src/identity/machine/identity-state.ts";
import { issuedPair } from "./pairs.ts";

type Answer = Issued | ExchangeFailure;

/** An issuer that answers when a test says so. */
export class ScriptedIssuer implements PairIssuer {
  /** What was shown so far. */
  readonly shown: ShownCredential[] = [];
  id = "credential 1";
  readonly #answers: ((answer: Answer) => void)[] = [];
  readonly #watchers = new Set<() => void>();

  ask(showing: ShownCredential, signal: AbortSignal): Promise<Answer> {
    this.shown.push(showing);
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      const aborted = { kind: "away", code: "Unreachable", message: "it was ended", mayBeDone: true } as const;
      signal.addEventListener("abort", () => resolve(aborted));
      if (signal.aborted) resolve(aborted);
      for (const look of this.#watchers) look();
    });
  }

  credentialId(): Promise<string> {
    return Promise.resolve(this.id);
  }

  /** Resolves when so many have been asked. */
  asked(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.shown.length < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** To whoever asked last; the number of the pair. */
  answer(with_: number | ExchangeFailure): void {
    const answer: Answer = typeof with_ === "number" ? { kind: "issued", issued: issuedPair(with_) } : with_;
    this.#answers.at(-1)?.(answer);
  }
}
