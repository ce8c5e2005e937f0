import { type TrustedIssuer, readKeySet } from "../../jwt/key-set.ts";
import { compileKeys, type CompileOptions, type Verifier } from "../../jwt/verifier.ts";
import type { VerifierEvent } from "./verifier-options.ts";

export interface KeysInForceOptions {
  readonly trusted: TrustedIssuer;
  readonly compiling: Pick<CompileOptions, "cacheEntries" | "revoked">;
  readonly tell: (event: VerifierEvent) => void;
}

/** What verifies now: each good set of keys takes the place of the one before, and what is no good leaves it there. */
export class KeysInForce {
  readonly #options: KeysInForceOptions;
  #text: string | undefined;
  #verifier: Verifier | undefined;
  #problem: string | undefined;

  constructor(options: KeysInForceOptions) {
    this.#options = options;
  }

  get verifier(): Verifier | undefined {
    return this.#verifier;
  }

  /** Why there was nothing to take the last time. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The verifier of a JWK Set; that of the same text is the same. @throws ChangeNeededError when it is no good */
  take(text: string): Verifier {
    const known = text === this.#text ? this.#verifier : undefined;
    const verifier = known ?? this.#compiled(text);
    if (known === undefined || this.#problem !== undefined)
      this.#options.tell({ kind: "keys", kids: [...verifier.keys.keys()] });
    this.#problem = undefined;
    return verifier;
  }

  /** There is nothing to take. */
  miss(problem: string): void {
    if (problem !== this.#problem) this.#options.tell({ kind: "unavailable", problem });
    this.#problem = problem;
  }

  #compiled(text: string): Verifier {
    const { trusted, compiling, tell } = this.#options;
    const { keys, problems } = readKeySet(text, trusted);
    const verifier = compileKeys(keys, { ...compiling, ...(this.#verifier && { previous: this.#verifier }) });
    for (const problem of problems) tell({ kind: "passedOver", problem });
    this.#text = text;
    this.#verifier = verifier;
    return verifier;
  }
}
