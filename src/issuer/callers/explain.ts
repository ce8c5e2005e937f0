import { quoted } from "../../errors/quote.ts";
import { fillIn } from "../config/claims.ts";
import type { TokenIssuer, Trust, TrustRule } from "../config/token-issuer.ts";
import type { ForeignCheck } from "./caller.ts";
import { examine, misfitClaim, trustOf } from "./examine.ts";
import { readForeign } from "./read-foreign.ts";
import { type Members } from "../../parse/object.ts";

/** What becomes of a token that somebody brings, and why. Of the token it has names alone, quoted by the one rule for that. */
export interface Explanation {
  /** Which check failed first; absent when all that can be made without its issuer's keys are passed. */
  readonly failed?: { readonly check: ForeignCheck; readonly must: string };
  /** `iss`, `sub` and `aud` as the token has them; absent where it can't be read that far, or has none. */
  readonly issuer?: string;
  readonly subject?: string;
  readonly audiences?: readonly string[];
  /** The name of the trust that its issuer has. */
  readonly trust?: string;
  /** Each rule of that trust, in order; the first one that fits decides. */
  readonly rules: readonly ExplainedRule[];
  /** The name of the rule that decides, and the subject that our tokens get. */
  readonly rule?: string;
  readonly becomes?: string;
}

/** `misfit`: the first claim that does not fit, and what it must fit. `template`: the claim that makes no part of a subject. */
export type ExplainedRule = { readonly name: string } & (
  | { readonly fits: true }
  | { readonly fits: false; readonly misfit: { readonly claim: string; readonly globs: readonly string[] } }
  | { readonly fits: true; readonly template: string }
);

/** Looks at rules also where an earlier check fails: who sets a rule up wants to know both. The signature is not looked at. Pure. */
export function explain(token: string, { trust: trusts }: Pick<TokenIssuer, "trust">, nowMs: number): Explanation {
  const read = readForeign(token);
  const examined = examine(token, trusts, nowMs);
  const why = "failed" in examined && { failed: { check: examined.failed, must: examined.must } };
  if ("failed" in read) return { ...why, rules: [] };
  const trust = trustOf(read.claims, trusts);
  return {
    ...why,
    ...namesIn(read.claims),
    ...("failed" in trust ? { rules: [] } : { trust: trust.name, rules: explainRules(trust, read.claims) }),
    ...("rule" in examined && { rule: examined.rule.name, becomes: quoted(examined.subject) }),
  };
}

function namesIn({ iss, sub, aud }: Members): Pick<Explanation, "issuer" | "subject" | "audiences"> {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const named = audiences.filter((one) => typeof one === "string").map(quoted);
  return {
    ...(typeof iss === "string" && { issuer: quoted(iss) }),
    ...(typeof sub === "string" && { subject: quoted(sub) }),
    ...(named.length > 0 && { audiences: named }),
  };
}

const explainRules = ({ rules }: Trust, claims: Members): readonly ExplainedRule[] =>
  rules.map((rule) => explainRule(rule, claims));

function explainRule(rule: TrustRule, claims: Members): ExplainedRule {
  const { name, subject } = rule;
  const wrong = misfitClaim(rule, claims);
  if (wrong)
    return { name, fits: false, misfit: { claim: wrong.claim.text, globs: wrong.globs.map(({ text }) => text) } };
  const filled = fillIn(subject, claims);
  return typeof filled === "string" ? { name, fits: true } : { name, fits: true, template: filled.problem.text };
}
