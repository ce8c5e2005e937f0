import type { Plan } from "../../../src/ring/plan.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { mounted } from "../scenarios/base.ts";
import { otherAlgorithm, pinOldest, window } from "../world/deeds.ts";
import { tickMs } from "../world/world.ts";
import {
  mapKeys,
  seeing,
  seeingKeys,
  withAcks,
  withoutGateways,
  withoutPin,
  withoutProjections,
  withRule,
} from "./change.ts";
import { checkedIn, tokensIn, type Knockout } from "./knockout.ts";

const policyOf = tokensIn("requests", {}).policy;

/** A key's window is the one that is in force now. */
const windowOfToday = (_before: Ring | undefined, _plan: Plan, after: Ring): Ring =>
  mapKeys(after, (key) => ("windowMs" in key ? { ...key, windowMs: after.settings.rotationWindowMs } : key));

/** A key counts as quiesced from the write that demotes it. */
const quiescedAtBirth = (_before: Ring | undefined, plan: Plan, after: Ring): Ring => ({
  ...after,
  retiring: after.retiring.map((k) => ({ ...k, quiescedAtMs: k.quiescedAtMs ?? plan.nowMs })),
});

/** Nothing but the rotation window of the policy counts: no room for a token's life and two wrong clocks. */
const rotationWindowAlone = {
  afterApply: windowOfToday,
  rules: withRule("retire", (rule) => ({ input, ring }) => {
    const bare = mapKeys(ring, (key) => ({ ...key, profile: { ...key.profile, maxTTLMs: 0 } }));
    return rule({ input, ring: { ...bare, settings: { ...bare.settings, clockSkewMs: 0 } } });
  }),
};

const oneSkewLess = (_before: Ring | undefined, _plan: Plan, after: Ring): Ring =>
  mapKeys(after, (key) => ("windowMs" in key ? { ...key, windowMs: key.profile.maxTTLMs + tickMs } : key));

/** A discarded standby leaves the ring at once. */
function discardedAtOnce(_before: Ring | undefined, plan: Plan, after: Ring): Ring {
  const discarded = plan.steps.flatMap((s) => (s.type === "discard" ? [s.kid] : []));
  return { ...after, retiring: after.retiring.filter((k) => !discarded.includes(k.kid)) };
}

/** From signing to gone. */
export const retiring: readonly Knockout[] = [
  {
    rule: "3, quiesced: every expected gateway acknowledged",
    out: "quiescing does not look at acks",
    scenario: tokensIn("mounts alone", { edits: [], rules: seeing("retire", withoutGateways) }),
    ends: /k1: refused by/,
  },
  {
    rule: "3, quiesced: only an ack with generation ≥ demotedInGeneration",
    out: "an ack of any generation counts",
    scenario: tokensIn("mounts alone", {
      rules: seeing(
        "retire",
        withAcks((ack) => ({ ...ack, generation: Infinity })),
      ),
    }),
    ends: /refused by/,
  },
  {
    rule: "3, quiesced: … and signs ≠ kid",
    out: "what the gateway signs with does not count",
    scenario: tokensIn("halves that lag", {
      rules: seeing(
        "retire",
        withAcks(({ generation, verifies }) => ({ generation, verifies })),
      ),
    }),
    ends: /refused by/,
  },
  {
    rule: "3, quiesced: generation 0 confirms nothing",
    out: "a starting gateway counts as one that signs with another key",
    scenario: tokensIn("mounts and restarts", {
      caches: true,
      gateways: [mounted],
      budgets: { requests: 1, restarts: 1 },
      rules: seeing(
        "retire",
        withAcks((ack) => (ack.generation === 0 ? { ...ack, generation: Infinity } : ack)),
      ),
    }),
    ends: /refused by/,
  },
  {
    rule: "3, quiesced: a later pass that reads both projections live, even when no gateway is expected",
    out: "quiescing does not look at the projections",
    scenario: tokensIn("nobody acks", { edits: [], rules: seeing("retire", withoutProjections) }),
    ends: /the application minted .* with k1: refused/,
  },
  {
    rule: "3, pruned: quiescedAt + …",
    out: "the wait counts from the demotion",
    scenario: tokensIn("mounts alone", { edits: [], afterApply: quiescedAtBirth }),
    ends: /refused by/,
  },
  {
    rule: "3, pruned: … + waitSeconds: for applications that sign by themselves and never ack",
    out: "pruning does not wait for applications",
    scenario: tokensIn("requests", { rules: seeingKeys("retire", (key) => ({ ...key, waitMs: 0 })) }),
    ends: /the application minted .* with k1: refused/,
  },
  {
    rule: "3, pruned: … + maxTTL + 2 × clockSkew, whatever the rotation window",
    out: "the rotation window alone",
    scenario: tokensIn("requests", { policy: { ...policyOf, rotationWindowMs: tickMs }, ...rotationWindowAlone }),
    ends: /the application minted .* with k1: refused/,
  },
  {
    rule: "3, pruned: 2 × because the minter's clock may be ahead and the verifier's behind",
    out: "1 × clockSkew",
    scenario: tokensIn("requests", {
      policy: { ...policyOf, rotationWindowMs: tickMs },
      afterApply: oneSkewLess,
      rules: rotationWindowAlone.rules,
    }),
    ends: /the application minted .* with k1: refused/,
  },
  {
    rule: "3, pruned: windowSeconds, the largest rotationWindow that was in force while it signed",
    out: "the window of today",
    scenario: tokensIn("windows", { edits: [window(3)], afterApply: windowOfToday }),
    ends: /refused by/,
  },
  {
    rule: "3, pruned: a later edit may lengthen its stay",
    out: "the window of then alone",
    scenario: checkedIn("windows", {
      edits: [window(5)],
      budgets: { edits: 1, requests: 1 },
      rules: withRule(
        "retire",
        (rule) =>
          ({ input, ring }) =>
            rule({ input, ring: { ...ring, settings: { ...ring.settings, rotationWindowMs: 0 } } }),
      ),
    }),
    ends: /before its rotation window ended/,
  },
  {
    rule: "3, the private half is forgotten at quiescedAt + waitSeconds + rollbackWindow: not later",
    out: "it is kept until the key is pruned",
    scenario: checkedIn("requests", {
      rules: withRule(
        "retire",
        (rule) =>
          ({ input, ring }) =>
            rule({ input: { ...input, policy: { ...input.policy, rollbackWindowMs: 100 * tickMs } }, ring }),
      ),
    }),
    ends: /kept the private half of k1 past its rollback window/,
  },
  {
    rule: "3, the private half is forgotten at quiescedAt + waitSeconds + rollbackWindow: not before",
    out: "it is forgotten as soon as the key is quiesced",
    scenario: checkedIn("requests", {
      rules: withRule(
        "retire",
        (rule) =>
          ({ input, ring }) =>
            rule({ input: { ...input, policy: { ...input.policy, rollbackWindowMs: -100 * tickMs } }, ring }),
      ),
    }),
    ends: /the private half of k1 was forgotten before its rollback window ended/,
  },
  {
    rule: "3, the pinned kid is never pruned or stripped",
    out: "old keys go whether pinned or not",
    scenario: checkedIn("degraded", {
      edits: [pinOldest],
      budgets: { requests: 1, arrivals: 1, edits: 1 },
      rules: seeing("retire", withoutPin),
    }),
    ends: /the pinned key k\d (was dropped|lost its private half)/,
  },
  {
    rule: "3, the pinned kid is never discarded",
    out: "a pinned standby goes when the profile changes",
    scenario: checkedIn("pins and revocation", {
      maxDepth: 8,
      rules: seeing("discardStandby", withoutPin),
    }),
    ends: /the pinned key k\d lost its private half/,
  },
  {
    rule: "3, a discarded standby stays verify-only without its private half for a window",
    out: "it leaves the ring at once",
    scenario: tokensIn("backups without witnesses", { edits: [otherAlgorithm], afterApply: discardedAtOnce }),
    ends: /with k2: refused by/,
  },
  {
    rule: "3, with no expected gateway a barrier passes at once (Ignored means that none is expected)",
    out: "somebody must have acknowledged",
    scenario: checkedIn("nobody acks", {
      edits: [],
      rules: withRule(
        "publish",
        (rule) => (pass) =>
          pass.input.gateways.length > 0 ? rule(pass) : { step: "publish", waitsFor: [{ kind: "standby" }] },
      ),
    }),
    ends: /never comes to rest/,
  },
];
