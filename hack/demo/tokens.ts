import { decodeProtectedHeader } from "jose";
import type { Ring } from "../../src/ring/ring.ts";
import type { Kid } from "../../src/ring/key.ts";
import { demo } from "./times.ts";

/** A token that the client refused although it had not ended. */
export interface ClientRefusal {
  readonly kid: Kid;
  readonly why: string;
  readonly atMs: number;
}

/** What the client says, a line of JSON each. */
export interface ClientReport {
  /** Since it began. */
  readonly verified: number;
  /** The newest token, once it was found valid. */
  readonly latest: string;
  /** Since the last report. */
  readonly refusals: readonly ClientRefusal[];
}

export interface Verdict {
  readonly verified: number;
  /** Valid tokens that were refused: what must not be. */
  readonly refused: number;
  /** Tokens of revoked keys. */
  readonly revoked: number;
  /** Tokens of a key that had to take over from a revoked signer before the client's copy of the JWKS had it. */
  readonly early: number;
}

/** News of the ring and of the client come by different ways: for so long a refusal waits for what explains it. */
const settleMs = 1000;

/** Counts what the client says, and tells what it means from what the rings say. */
export class Tokens {
  verified = 0;
  latest = "";
  readonly #refusals: ClientRefusal[] = [];
  /** From when on a key's tokens may be refused, and until when. */
  readonly #revokedAtMs = new Map<Kid, number>();
  readonly #earlyUntilMs = new Map<Kid, number>();

  take({ verified, latest, refusals }: ClientReport): void {
    this.verified = verified;
    if (latest !== "") this.latest = latest;
    this.#refusals.push(...refusals);
  }

  /** The key that signed the latest token; empty before the first one. */
  get latestKid(): string {
    return this.latest === "" ? "" : (decodeProtectedHeader(this.latest).kid ?? "");
  }

  /** To be told of every ring. */
  see({ revoked, signer }: Ring): void {
    for (const { kid, revokedAtMs } of revoked) this.#revokedAtMs.set(kid, revokedAtMs);
    const knownFromMs = (signer.publishedAtMs ?? Infinity) + signer.waitMs;
    if (revoked.length > 0 && signer.activatedAtMs < knownFromMs) {
      // Not published yet: then it will be soon
      const publishedAtMs = signer.publishedAtMs ?? Date.now() + settleMs;
      this.#earlyUntilMs.set(signer.kid, publishedAtMs + Math.max(signer.waitMs, demo.clientCacheMs));
    }
  }

  verdict(nowMs: number): Verdict {
    const verdict = { verified: this.verified, refused: 0, revoked: 0, early: 0 };
    for (const { kid, atMs } of this.#refusals) {
      if (atMs >= (this.#revokedAtMs.get(kid) ?? Infinity)) verdict.revoked++;
      else if (atMs <= (this.#earlyUntilMs.get(kid) ?? -Infinity)) verdict.early++;
      else if (atMs < nowMs - settleMs) verdict.refused++;
    }
    return verdict;
  }
}
