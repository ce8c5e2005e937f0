import type { Grant } from "../../../src/grants/grant.ts";
import { hashOf, markOf } from "../../../src/grants/refresh-token.ts";
import { renew, type Renewal, type RenewalRequest } from "../../../src/grants/renew.ts";
import { omit } from "../../model/world/omit.ts";
import { scenarios } from "./scenarios.ts";
import { type Scenario, tickMs } from "./world.ts";

/** A rule, what is done without it, and a world in which that does harm. */
export interface Knockout {
  readonly rule: string;
  readonly scenario: Scenario;
  /** What the last line of the shortest story says. */
  readonly ends: RegExp;
}

type Decide = (grant: Grant, request: RenewalRequest) => Renewal;

const without = (scenario: Scenario, [rule, ends]: readonly [string, RegExp], decide: Decide): Knockout => ({
  rule,
  ends,
  scenario: { ...scenario, decide },
});

const policy = (request: RenewalRequest, change: Partial<RenewalRequest["policy"]>): RenewalRequest => ({
  ...request,
  policy: { ...request.policy, ...change },
});

const endedAt = (grant: Grant, atMs: number): Renewal => ({
  kind: "ended",
  grant: { ...grant, revoked: { atMs, reason: "reused" } },
});

const { timely, proven, thief, thiefOfProven, ends, recovered } = scenarios;

export const knockouts: readonly Knockout[] = [
  without(timely, ["the one before is answered again in the window", /^\(a\)/], (grant, request) => {
    const answer = renew(grant, request);
    return answer.kind === "replayed" ? endedAt(grant, request.nowMs) : answer;
  }),
  without(timely, ["a slow twin of a fast process is forgiven", /^\(a\)/], (grant, request) => {
    const answer = renew(grant, request);
    const isTwin = answer.kind === "refused" && answer.reason === "superseded";
    return isTwin ? endedAt(grant, request.nowMs) : answer;
  }),
  without(
    { ...timely, budget: { ...timely.budget, renewals: 4 } },
    ["the row knows of every token that was replaced in the window, not of the last two alone", /^\(a\)/],
    (grant, request) => renew({ ...grant, replacedAtMs: grant.replacedAtMs.slice(0, 2) }, request),
  ),
  without(timely, ["the successor in the window is the same one", /^\(c\)/], (grant, request) => {
    const answer = renew(grant, request);
    if (answer.kind !== "replayed") return answer;
    const { shown } = request;
    return renew({ ...grant, generation: shown.generation, currentHash: hashOf(shown.secret) }, request);
  }),
  without(proven, ["who proves himself gets a successor whatever he shows", /^\(a\)/], (grant, request) =>
    renew(grant, { ...request, isProven: false }),
  ),
  without(proven, ["a successor that was replaced as lost may have arrived after all", /^\(a\)/], (grant, request) => {
    const answer = renew(grant, request);
    const isBefore = hashOf(request.shown.secret).toString() === grant.previousHash?.toString();
    const isLate = answer.kind === "renewed" && answer.why === "replaced" && !isBefore;
    return isLate ? { kind: "refused", reason: "superseded" } : answer;
  }),
  without(thief, ["the window ends", /^\(b\)/], (grant, request) =>
    renew(grant, policy(request, { retryWindowMs: Infinity })),
  ),
  without(
    thief,
    ["a token shown again after the window ends the grant", /^\(b\) a thief is not found out/],
    (grant, request) => {
      const answer = renew(grant, request);
      return answer.kind === "ended" ? { kind: "refused", reason: "superseded" } : answer;
    },
  ),
  without(
    thiefOfProven,
    ["what was given for a proof is given again for a proof alone", /^\(b\)/],
    (grant, request) => {
      const answer = renew(grant, { ...request, isProven: true });
      return answer.kind === "replayed" ? answer : renew(grant, request);
    },
  ),
  without(thief, ["only a marked token can end a grant", /^a forged token/], (grant, request) => {
    const { shown } = request;
    return renew(grant, {
      ...request,
      shown: { ...shown, mark: markOf(grant.markKey, shown.generation, hashOf(shown.secret)) },
    });
  }),
  without(ends, ["nothing renews after a revocation", /^\(d\)/], (grant, request) =>
    renew(omit(grant, "revoked"), request),
  ),
  without(
    // Where no renewal moves the end, nothing else stands in the way
    { ...ends, refreshTtlMs: 2 * tickMs },
    ["nothing renews after its end", /^\(d\)/],
    (grant, request) => renew({ ...grant, expiresAtMs: Infinity }, request),
  ),
  without(ends, ["the cap holds at each renewal", /^\(e\)/], (grant, { policy: p, ...request }) =>
    renew(omit(grant, "notAfterMs"), { ...request, policy: omit(p, "maxRefreshTtlMs") }),
  ),
  without(ends, ["not_after never moves", /^\((d|e)\)/], (grant, request) => {
    const answer = renew(omit(grant, "notAfterMs"), request);
    const { notAfterMs } = grant;
    if (answer.kind !== "renewed" || notAfterMs === undefined) return answer;
    return { ...answer, grant: { ...answer.grant, notAfterMs } };
  }),
  without(
    { ...recovered, budget: { renewals: 5, thefts: 1, restores: 1 } },
    ["a row is carried forward once", /^\(b\)/],
    (grant, request) => {
      const answer = renew(omit(grant, "recoveredUnderMs"), request);
      const { recoveredUnderMs } = grant;
      if (answer.kind !== "renewed" || recoveredUnderMs === undefined) return answer;
      return { ...answer, grant: { ...answer.grant, recoveredUnderMs } };
    },
  ),
];
