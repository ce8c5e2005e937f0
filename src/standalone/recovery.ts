import { readPublicJwks, type BroughtKeys } from "../crypto/brought.ts";
import { KeyturnError } from "../ring/errors.ts";
import type { Algorithm } from "../ring/key.ts";
import type { Effective } from "./resource.ts";

/** A recovery that is asked for and not done yet, with the keys that come with it. */
export interface Recovery {
  readonly brought: BroughtKeys;
}

interface RecoveryContext {
  /** Requests up to this instant count no more. */
  readonly seenUpToMs: number;
  readonly nowMs: number;
  readonly algorithm: Algorithm;
}

/**
 * The recovery that is asked for, undefined when there is none. A JWKS that can't be used holds it up, and comes back as
 * a text: recovering without keys that a person counts on would refuse their tokens.
 */
export function recoveryIn(now: Effective, context: RecoveryContext): Recovery | string | undefined {
  const { seenUpToMs, nowMs, algorithm } = context;
  if ((now.recoverRequestedAtMs ?? -Infinity) <= seenUpToMs) return undefined;
  if (now.recoverJwks === undefined) return { brought: { keys: [], materials: new Map(), ignored: [] } };
  try {
    return { brought: readPublicJwks(now.recoverJwks, { createdAtMs: nowMs, algorithm }) };
  } catch (error) {
    if (error instanceof KeyturnError) return `the recovery waits: ${error.message}`;
    throw error;
  }
}
