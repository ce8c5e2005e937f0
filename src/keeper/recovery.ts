import { readPublicJwks } from "../crypto/brought.ts";
import type { Change } from "../ring/change.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { mostAheadMs } from "../ring/obey.ts";

/** Whether a recovery is asked for and not done yet, and what comes with it. */
export interface Recovery {
  readonly isAsked: boolean;
  /** Public keys that are to be verified for a window, too. */
  readonly keys: readonly AdoptableKey[];
  readonly materials: KeyMaterials;
  readonly warnings: readonly string[];
}

/** What a person asked for. */
export interface RecoveryRequest {
  /** Unix milliseconds. */
  readonly recoverRequestedAtMs?: number;
  /** A JWK Set (RFC 7517 §5). */
  readonly recoverJwks?: string;
}

interface RecoveryContext {
  /** Requests up to this instant count no more. */
  readonly seenUpToMs: number;
  readonly nowMs: number;
  readonly algorithm: Algorithm;
}

const plain: Recovery = { isAsked: false, keys: [], materials: new Map(), warnings: [] };

/**
 * The recovery that is asked for. A request from the future would be consent to whatever happens until then: it waits. A JWKS that can't be used holds it up, with a warning: recovering without keys that a
 * person counts on would refuse their tokens.
 */
export function recoveryIn(now: RecoveryRequest, { seenUpToMs, nowMs, algorithm }: RecoveryContext): Recovery {
  if ((now.recoverRequestedAtMs ?? -Infinity) <= seenUpToMs) return plain;
  if ((now.recoverRequestedAtMs ?? 0) > nowMs + mostAheadMs) {
    return { ...plain, warnings: ["the recovery waits: it must not be requested for an instant in the future"] };
  }
  if (now.recoverJwks === undefined) return { ...plain, isAsked: true };
  try {
    const { keys, materials, ignored } = readPublicJwks(now.recoverJwks, { createdAtMs: nowMs, algorithm });
    return { isAsked: true, keys, materials, warnings: ignored };
  } catch (error) {
    if (error instanceof KeyturnError) return { ...plain, warnings: [`the recovery waits: ${error.message}`] };
    throw error;
  }
}

/** Public halves that a change would bring along. @throws ChangeNeededError `InvalidJwks` */
export function publicHalvesIn(change: Change, algorithm: Algorithm): KeyMaterials {
  if (change.kind !== "recover" || change.jwks === undefined) return new Map();
  return readPublicJwks(change.jwks, { createdAtMs: change.requestedAtMs, algorithm }).materials;
}
