import type { Clock } from "../time/clock.ts";
import { compileMinter, type Minted, type Minter, type MinterOptions } from "../jwt/minter.ts";
import type { MintRequest } from "../jwt/mint-request.ts";
import { compileRing, type Verifier } from "../jwt/verifier.ts";
import { nodeSignatures } from "../jwt/node-signatures.ts";
import type { Signatures } from "../jwt/signatures.ts";
import { RevokedSet } from "../jwt/revoked-set.ts";
import { TryLaterError } from "../errors/keyturn-error.ts";
import { type HolderEvent, reduce } from "./reduce.ts";
import type { HolderState } from "./state.ts";
import { isReady, mintView } from "./state-view.ts";

/** Hears what happens, for logs and metrics. Must not throw. */
export interface HolderObserver {
  /** A ring was put in place of another; `tookMs`: from its arrival to the last assignment. */
  swapped(state: HolderState, tookMs: number): void;
  /** After every event that changed something. */
  changed(before: HolderState, after: HolderState): void;
}

export interface RingMemoryParts {
  readonly clock: Clock;
  /** A fresh `jti` at each call. */
  readonly newId: () => string;
  readonly observer: HolderObserver;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
  /** How many tokens in use each key remembers as verified. @default 4096 */
  readonly cacheEntries?: number;
  /** Tokens that are refused whatever key signed them. @default none */
  readonly revoked?: RevokedSet;
}

/** So long a mint request waits for a confirmation that is on its way, in milliseconds. */
const confirmationLimitMs = 2000;

/** The ring in memory with what is made of it: one verifier, one minter. */
export class RingMemory {
  readonly #parts: RingMemoryParts & VerifyingParts;
  readonly #listeners = new Set<() => void>();
  #state: HolderState;
  #verifier: Verifier | undefined;
  #minter: Minter | undefined;

  constructor(parts: RingMemoryParts, state: HolderState) {
    this.#parts = { signatures: nodeSignatures, revoked: new RevokedSet(), ...parts };
    this.#state = state;
    this.#verifier = verifierOf(state, this.#parts);
  }

  get state(): HolderState {
    return this.#state;
  }

  /** The name of who computes signatures. */
  get signatures(): Signatures["name"] {
    return this.#parts.signatures.name;
  }

  /** Of the ring in memory; undefined before the first. One object: what it accepts never changes. */
  get verifier(): Verifier | undefined {
    return this.#verifier;
  }

  /** One state, one verifier, one minter, in the same turn: a key that leaves verifies nothing from then on. */
  dispatch(event: HolderEvent): void {
    const { observer, clock, newId, signatures } = this.#parts;
    const startedAtMs = clock.monotonicMs();
    const before = this.#state;
    const after = reduce(before, event, startedAtMs);
    if (after === before) return;
    const isSwap = after.current !== before.current || after.refused !== before.refused;
    if (isSwap) this.#verifier = verifierOf(after, this.#parts, this.#verifier);
    if (isSwap || after.half !== before.half) this.#minter = minterOf(after, { newId, signatures });
    this.#state = after;
    if (isSwap && after.current) observer.swapped(after, clock.monotonicMs() - startedAtMs);
    observer.changed(before, after);
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener after every change, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with true as soon as the state fits, with false after so long. */
  until(fits: (state: HolderState) => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        cancel();
        forget();
        resolve(result);
      };
      const look = (): void => {
        if (fits(this.#state)) end(true);
      };
      const cancel = withinMs === Infinity ? () => undefined : this.#parts.clock.after(withinMs, () => end(false));
      const forget = this.listen(look);
      look();
    });
  }

  /** Waits for the word that a signer which has just changed signs: a moment, and not longer, whatever came. */
  async confirmed(): Promise<void> {
    const { clock } = this.#parts;
    const fits = (state: HolderState): boolean => mintView(state, clock.nowMs()) !== "unconfirmed";
    if (!fits(this.#state)) await this.until(fits, confirmationLimitMs);
  }

  /**
   * A token of the signer, within the fence, after {@link confirmed}.
   *
   * @throws TryLaterError `NotReady`, `NoSigner`, `MintFenced`; RuleError where the request is at fault
   */
  async mint(request: MintRequest): Promise<Minted> {
    await this.confirmed();
    return this.mintNow(request);
  }

  /** As {@link mint}, and waits for nothing. */
  mintNow(request: MintRequest): Minted {
    if (!isReady(this.#state)) throw new TryLaterError("NotReady", "Cannot mint: the ring here is not ready");
    const nowMs = this.#parts.clock.nowMs();
    const view = mintView(this.#state, nowMs);
    if (view === "no-half" || this.#minter === undefined) {
      throw new TryLaterError("NoSigner", "Cannot mint: the signer's private half is not here");
    }
    if (view === "unconfirmed") {
      throw new TryLaterError("MintFenced", "Cannot mint: no fresh word that the signer still signs");
    }
    return this.#minter.mint(request, { nowMs, notAfterMs: view.fenceAtMs });
  }
}

interface VerifyingParts extends Required<Pick<RingMemoryParts, "signatures" | "revoked">> {
  readonly cacheEntries?: number;
}

function verifierOf(
  { current, refused }: HolderState,
  { signatures, revoked, cacheEntries }: VerifyingParts,
  previous?: Verifier,
): Verifier | undefined {
  const remembering = { ...(previous && { previous }), ...(cacheEntries !== undefined && { cacheEntries }) };
  const options = { signatures, revoked, revokedKids: refused, ...remembering };
  return current && compileRing(current, options);
}

const minterOf = ({ current, half, refused }: HolderState, options: MinterOptions): Minter | undefined =>
  current && half && compileMinter({ ring: current.ring, half }, { ...options, revokedKids: refused });
