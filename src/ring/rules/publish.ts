import type { Kid } from "../key.ts";
import { keysOf } from "../ring.ts";
import { notAccepting, projectionsLack, type RuleResult, type Rule } from "./context.ts";

/**
 * A projection that is there and lacks a key was shown to somebody: copies without the key are about, as if it had never been
 * published. So what was seen before counts no more, and the wait begins anew. Never held: this pass mends the projection,
 * and no later one sees it.
 */
export const unpublish: Rule = ({ input: { stored }, ring }) => {
  if (stored.kind !== "ring") return undefined;
  const { signer, public: open } = stored.projections;
  const lacks = (kid: Kid): boolean => [signer, open].some((p) => p !== undefined && !p.kids.includes(kid));
  const key = keysOf(ring).find((k) => k.publishedAtMs !== undefined && lacks(k.kid));
  return key && { type: "unpublish", kid: key.kid };
};

/** Every key that lacks the fact gets it, the signer included: else nobody could roll back to the first key. */
export const publish: Rule = (context) =>
  keysOf(context.ring)
    .filter((key) => key.publishedAtMs === undefined)
    .map((key): RuleResult => {
      const waitsFor = [
        ...projectionsLack(context, (p) => p.kids.includes(key.kid)),
        ...notAccepting(context, key.kid),
      ];
      if (waitsFor.length === 0) return { type: "publish", kid: key.kid };
      // A recovery demotes anew: what it asks for again was not asked for before
      const sinceMs = Math.max(key.adoptedAtMs ?? key.createdAtMs, ...context.ring.retiring.map((k) => k.demotedAtMs));
      return { step: "publish", kid: key.kid, waitsFor, sinceMs };
    });
