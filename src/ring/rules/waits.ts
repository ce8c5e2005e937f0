import type { Key, Profile } from "../key.ts";
import type { Policy } from "../plan.ts";
import { notAccepting, type RuleContext } from "./context.ts";

/**
 * The wait that a key made now gets for its whole life: as long as the policy asks for, and as long as any JWKS that
 * was handed out before may live in a cache.
 */
export const freshKeyWaitMs = ({ input: { policy }, ring }: RuleContext): number =>
  Math.max(policy.propagationMs, ring.settings.jwksMaxAgeMs, ring.longerMaxAge?.maxAgeMs ?? 0);

/** What a key made under this policy is. */
export const keyToMake = ({ profile, modulusBits }: Policy): { profile: Profile; modulusBits?: number } =>
  modulusBits === undefined ? { profile } : { profile, modulusBits };

/** When the key may sign at the earliest; undefined while it is not published. */
export const maySignFromMs = (key: Key): number | undefined =>
  key.publishedAtMs === undefined ? undefined : key.publishedAtMs + key.waitMs;

/** Would this key, signing now, come before some verifier knows it? */
export function signsEarly(context: RuleContext, key: Key): boolean {
  const fromMs = maySignFromMs(key);
  return (
    fromMs === undefined ||
    (key.waitMs > 0 && fromMs > context.input.nowMs) ||
    notAccepting(context, key.kid).length > 0
  );
}
