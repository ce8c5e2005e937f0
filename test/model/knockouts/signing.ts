import type { Plan } from "../../../src/ring/plan.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { isStep, type RuleResult, type Rule } from "../../../src/ring/rules/context.ts";
import { pinOldest, propagation } from "../world/deeds.ts";
import { mapKeys, seeing, seeingKeys, withoutGateways, withoutProjections, withRule, type Rules } from "./change.ts";
import { checkedIn, tokensIn, type Knockout } from "./knockout.ts";

const decisionsOf = (rule: Rule, ...args: Parameters<Rule>): readonly RuleResult[] => [rule(...args) ?? []].flat();

/** The standby counts as published from the moment at which it is made. */
const publishedAtBirth = (_before: Ring | undefined, plan: Plan, after: Ring): Ring =>
  mapKeys(after, (key) => (key.publishedAtMs === undefined ? { ...key, publishedAtMs: plan.nowMs } : key));

/** The policy's minimum reaches the keys that are made from now on, and no other. */
const keepingWaits: Rules = withRule("configure", (rule) => ({ input, ring }) => {
  const patient = mapKeys(ring, (key) => ({ ...key, waitMs: Infinity }));
  return decisionsOf(rule, { input, ring: patient }).map((d) =>
    isStep(d) && d.type === "configure" ? { ...d, waitMs: 0 } : d,
  );
});

const withoutLongerMaxAge = (_before: Ring | undefined, _plan: Plan, { longerMaxAge: _, ...ring }: Ring): Ring => ring;

/** From created to signing. */
export const signing: readonly Knockout[] = [
  {
    rule: "3, published: sees every ack list it",
    out: "publishing does not look at acks",
    scenario: tokensIn("requests", { rules: seeing("publish", withoutGateways) }),
    ends: /k3: refused by a third-party cache/,
  },
  {
    rule: "3, published: a later pass that reads the kid live in both projections",
    out: "publishing does not look at the projections",
    // Nor does what takes a publication back: else the two would go on for ever
    scenario: tokensIn("nobody acks", {
      rules: seeing("unpublish", withoutProjections, seeing("publish", withoutProjections)),
    }),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "3, published: planning time is never publication time; the wait counts from the barrier, not from the write",
    out: "a key counts as published from the write that makes it",
    scenario: tokensIn("requests", { afterApply: publishedAtBirth }),
    ends: /k3: refused by a third-party cache/,
  },
  {
    rule: "3, published: recorded for every key that lacks it, the active one included (else a rollback to the first key could not pass)",
    out: "only the standby is marked as published",
    scenario: checkedIn("birth", {
      controllers: 1,
      passes: "atomic",
      edits: [pinOldest],
      budgets: { requests: 1, edits: 1 },
      rules: withRule(
        "publish",
        (rule) => (pass) => decisionsOf(rule, pass).filter((d) => "kid" in d && d.kid === pass.ring.standby?.kid),
      ),
    }),
    ends: /never comes to rest: the pinned key k1 does not sign/,
  },
  {
    rule: "3, activation: needs publishedAt + waitSeconds",
    out: "activation does not wait",
    scenario: tokensIn("requests", { rules: seeingKeys("activate", (key) => ({ ...key, waitMs: 0 })) }),
    ends: /k3: refused by a third-party cache/,
  },
  {
    rule: "3, activation: the larger of propagation.minimum and the JWKS max-age then in force",
    out: "a new key waits as long as the policy says now",
    scenario: tokensIn("propagation", {
      rules: withRule(
        "createStandby",
        (rule) => (pass) =>
          decisionsOf(rule, pass).map((d) =>
            isStep(d) && d.type === "create" ? { ...d, waitMs: pass.input.policy.propagationMs } : d,
          ),
      ),
    }),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "3, activation: … the max-age then in force, also the longer one of before a lowering (the lead's repair)",
    out: "a longer max-age of before is forgotten",
    scenario: tokensIn("propagation", { afterApply: withoutLongerMaxAge }),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "3, activation: the wait is raised if the minimum is raised",
    out: "keys keep the wait that they were made with",
    scenario: tokensIn("propagation", { app: true, edits: [propagation(3)], rules: keepingWaits }),
    ends: /the application minted .* with k1: refused/,
  },
  {
    rule: "3, published: a projection that lacks the key takes the fact back, and the wait begins anew",
    out: "published once is published for ever",
    scenario: tokensIn("an older public ring", { rules: withRule("unpublish", () => () => undefined) }),
    ends: /k3: refused by a third-party cache/,
  },
  {
    rule: "3, activation: read live once more, every expected gateway's ack listing the kid",
    out: "activation does not look at acks",
    scenario: tokensIn("degraded", { rules: seeing("activate", withoutGateways) }),
    ends: /refused by gateway-\d/,
  },
];
