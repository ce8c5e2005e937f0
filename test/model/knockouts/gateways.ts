import type { PlanInput } from "../../../src/ring/plan.ts";
import { ahead, behind } from "../scenarios/base.ts";
import * as deeds from "../world/deeds.ts";
import { seeingForActivation } from "./change.ts";
import { checkedIn, tokensIn, without, type Knockout } from "./knockout.ts";

/** A gateway that is not ready is asked nothing, whatever it acked before. */
const readyAlone = (input: PlanInput): PlanInput => ({ ...input, gateways: input.gateways.filter((g) => g.ready) });

/** Silence counts as the promise. */
const silentAlone = (input: PlanInput): PlanInput => ({
  ...input,
  gateways: input.gateways.filter((g) => g.ready || g.ack !== undefined),
});

/** The rules of gateways and shells that section 3 leans on. */
export const gatewayRules: readonly Knockout[] = [
  {
    rule: "3, fencing: a gateway mints exp ≤ lastConfirmed + rotationWindow − 2 × clockSkew",
    out: "no fence",
    scenario: tokensIn("zombies", without("mintFence")),
    ends: /k1: refused by/,
  },
  {
    rule: "3, fencing: … − 2 × clockSkew",
    out: "no room for clocks",
    scenario: tokensIn("windows", { edits: [], ...without("fenceSkew") }),
    ends: /k1: refused by/,
  },
  {
    rule: "5, a pass reads the projections before it asks the gateways (finding 1)",
    out: "acks first",
    scenario: tokensIn("two controllers", without("projectionsFirst")),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "5, a pass that goes on from the answers to its writes reads the gateways after them",
    out: "it goes on with the gateways of before",
    scenario: tokensIn("answers are readings", without("asksAfterWriting")),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "5, … and takes the ring that it wrote for the one that it read last, for its next write goes over that very version or nowhere",
    out: "over whatever stands there",
    scenario: checkedIn("answers are readings", without("swapRing", "swapProjections")),
    ends: /does not grow/,
  },
  {
    rule: "5, the ring is written only over the version that was read",
    out: "two controllers write the ring as they like",
    scenario: checkedIn("two controllers", without("swapRing", "swapProjections")),
    ends: /does not grow/,
  },
  {
    rule: "5, a projection is written only over the version that was read, never over a higher generation (two locks on one door)",
    out: "an old leader writes an old projection",
    scenario: tokensIn("an old leader", without("swapProjections", "neverOverHigher")),
    ends: /refused by/,
  },
  {
    rule: "5, a gateway never goes back to a smaller generation",
    out: "it takes over what it finds",
    scenario: tokensIn("backups", { app: false, ...without("neverBackwards") }),
    ends: /refused by gateway-1/,
  },
  {
    rule: "7, Ready only when the second read still has the acked generation",
    out: "no second read",
    scenario: tokensIn("arrivals", without("secondRead")),
    ends: /refused by/,
  },
  {
    rule: "7, at every start it reads the ring uncached from the API",
    out: "it reads its mount, both times",
    scenario: tokensIn("arrivals", without("uncachedStart")),
    ends: /refused by/,
  },
  {
    rule: "7, never serves below what it kept in the emptyDir after a restart",
    out: "no floor",
    scenario: tokensIn("degraded restarts", without("floor")),
    ends: /refused by/,
  },
  {
    rule: "7, at every container start it first writes generation 0",
    out: "the old ack stays, so a container that does not come back holds every activation up",
    scenario: checkedIn("restarts", {
      gateways: [ahead, behind],
      crashLoops: true,
      budgets: { requests: 2, restarts: 1 },
      ...without("generationZero"),
    }),
    ends: /never comes to rest/,
  },
  {
    rule: "7, every running gateway counts, except one that is not Ready and promised by generation 0 to know the newest ring before it is",
    out: "who is not ready is not asked",
    scenario: tokensIn("degraded restarts", { rules: seeingForActivation(readyAlone) }),
    ends: /refused by/,
  },
  {
    rule: "7, … has promised: who has said nothing counts",
    out: "who is not ready and has no ack is not asked",
    scenario: tokensIn("degraded starts", { rules: seeingForActivation(silentAlone) }),
    ends: /refused by gateway-3/,
  },
  {
    rule: "8, a gateway that wrote generation 0 keeps its promise: it is never degraded",
    out: "it takes traffic without the API, from its mount",
    scenario: tokensIn("degraded starts", without("keepsPromise")),
    ends: /refused by gateway-3/,
  },
  {
    rule: "8, a degraded gateway forbids caching its JWKS (finding 4)",
    out: "its JWKS may be cached",
    scenario: tokensIn("degraded", without("degradedUncached")),
    ends: /refused by a third-party cache/,
  },
  {
    rule: "8, a gateway takes over no ring that does not come from its own",
    out: "any with a higher generation",
    scenario: tokensIn("an old ring overtakes", without("oneLine")),
    ends: /refused by gateway-1: it has generation \d+, which lacks k3/,
  },
  {
    rule: "7, an ack says which write its ring is",
    out: "its generation alone, so nobody hears that the ring is of another line",
    scenario: checkedIn("an old ring overtakes", without("acksNameWrites")),
    ends: /never comes to rest/,
  },
  {
    rule: "7, revoked kids are the union of all sources",
    out: "those of the ring in memory",
    scenario: tokensIn("backups and revocation", {
      edits: [deeds.revokeStandby, deeds.forgive],
      disasters: [deeds.restoreAll],
      budgets: { backups: 1, edits: 2, disasters: 1 },
      ...without("revokedUnion"),
    }),
    ends: /accepts k2 again/,
  },
];
