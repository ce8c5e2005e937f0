import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Key } from "../../src/ring/key.ts";
import { planRotation } from "../../src/ring/planner.ts";
import { keyLimit, keysOf, type Ring } from "../../src/ring/ring.ts";
import { nextRunAfterMs } from "../../src/ring/schedule.ts";
import { applyPlan, needsFreshKey } from "../../src/ring/steps.ts";
import { day, hour, policy } from "../support/story.ts";
import { calmHistories, histories, type Deed } from "./support/history.ts";
import { after, type World, type Write } from "./support/world.ts";

const runs = { numRuns: 400 };
const holds = (of: fc.Arbitrary<readonly Deed[]>, check: (world: World) => void) =>
  fc.assert(
    fc.property(of, (deeds) => check(after(deeds))),
    runs,
  );
const eachWrite = (check: (write: Write) => void) => holds(histories, (world) => world.writes.forEach(check));
const kids = (ring: Ring): readonly string[] => keysOf(ring).map((k) => k.kid);
const keyIn = (ring: Ring | undefined, kid: string): Key | undefined => ring && keysOf(ring).find((k) => k.kid === kid);
const activations = ({ plan }: Write) => plan.steps.filter((s) => s.type === "activate");

describe("invariant 1: exactly one active key, unique kids, and a revoked kid never returns", () => {
  it("in every ring that is written", () => {
    eachWrite(({ after: ring }) => {
      expect(keysOf(ring).filter((k) => k.state === "active")).toHaveLength(1);
      expect(new Set(kids(ring)).size).toBe(kids(ring).length);
      expect(ring.revoked.filter((r) => kids(ring).includes(r.kid))).toEqual([]);
    });
  });

  it("after any loss or restored copy: what was ever revoked by the spec stays out", () => {
    holds(histories, (world) => {
      world.calm(0);
      const named = new Set(world.policy.revokedKids.map((r) => r.kid));
      expect(world.ring && kids(world.ring).filter((kid) => named.has(kid))).toEqual([]);
    });
  });
});

describe("invariant 2: no key signs before it was published for its wait", () => {
  it("but for a signer that is revoked or lost, and then the step says so", () => {
    eachWrite((write) => {
      for (const step of activations(write)) {
        const key = keyIn(write.before, step.kid);
        const waited = key?.publishedAtMs !== undefined && key.publishedAtMs + key.waitMs <= write.input.nowMs;
        if (!step.early) expect(waited).toBe(true);
        else expect(["signerRevoked", "signerLost"]).toContain(step.why);
      }
    });
  });

  it("and every expected gateway accepts it at that moment", () => {
    eachWrite((write) => {
      const { gateways, policy } = write.input;
      const counted =
        policy.acknowledgements === "Ignored" ? [] : gateways.filter((g) => g.ready || (g.ack?.generation ?? 0) > 0);
      for (const step of activations(write).filter((s) => !s.early)) {
        expect(counted.filter((g) => !g.ack?.verifies.includes(step.kid))).toEqual([]);
      }
    });
  });
});

describe("invariant 3: a minted token verifies at every expected gateway until it ends", () => {
  const acknowledged = calmHistories.map((deeds) =>
    deeds.filter((d) => !(d.do === "edit" && d.change.acknowledgements === "Ignored") && d.do !== "vanish"),
  );
  it("through rotations, edits, restarts and newcomers", () => {
    holds(acknowledged, (world) => {
      world.calm(2 * day);
      expect(world.refused).toEqual([]);
    });
  });
});

describe("invariant 4: a request rotates once", () => {
  it("each value is handled by one activation, and only once", () => {
    holds(calmHistories, (world) => {
      const handled = world.writes.flatMap(({ before, after: ring }) =>
        before ? ring.handledRequests.filter((r) => !before.handledRequests.includes(r)) : [],
      );
      expect(new Set(handled).size).toBe(handled.length);
      for (const write of world.writes.filter((w) => activations(w).some((s) => s.why === "request"))) {
        expect(write.after.handledRequests).not.toEqual(write.before?.handledRequests);
      }
    });
  });

  it("none is open once everybody has answered for long enough", () => {
    holds(histories, (world) => {
      world.calm(2 * day);
      expect(world.requests.filter((r) => !world.ring?.handledRequests.includes(r))).toEqual([]);
    });
  });
});

describe("invariant 5: the schedule counts from the last activation", () => {
  it("a scheduled activation is never early, and missed runs are one", () => {
    eachWrite((write) => {
      const scheduled = activations(write).filter((s) => s.why === "schedule");
      expect(scheduled.length).toBeLessThanOrEqual(1);
      if (scheduled.length === 0 || !write.before) return;
      const dueAtMs = nextRunAfterMs(write.input.policy.schedule, write.before.signer.activatedAtMs);
      expect(write.input.nowMs).toBeGreaterThanOrEqual(dueAtMs);
    });
  });
});

describe("invariant 6: an edit never changes a fact", () => {
  const recovered = ({ plan }: Write) => plan.steps.some((s) => s.type === "rebuild");
  it("profile and creation stay, published is written once, waits and windows only grow", () => {
    eachWrite((write) => {
      if (!write.before || recovered(write)) return;
      for (const was of keysOf(write.before)) {
        const is = keyIn(write.after, was.kid);
        if (!is) continue;
        expect([is.profile, is.createdAtMs, is.adoptedAtMs]).toEqual([was.profile, was.createdAtMs, was.adoptedAtMs]);
        if (was.publishedAtMs !== undefined) expect(is.publishedAtMs).toBe(was.publishedAtMs);
        expect(is.waitMs).toBeGreaterThanOrEqual(was.waitMs);
        if (was.state !== "prepared" && is.state !== "prepared")
          expect(is.windowMs).toBeGreaterThanOrEqual(was.windowMs);
        if (was.state === "verify-only" && is.state === "verify-only") expect(is.demotedAtMs).toBe(was.demotedAtMs);
      }
    });
  });
});

describe("invariant 7: revocation is immediate and idempotent", () => {
  it("the next pass does it, whatever else holds the rotation", () => {
    holds(histories, (world) => {
      const plan = world.pass();
      if (!plan || !world.ring || plan.gates.some((g) => g.step === "begin")) return;
      const named = world.policy.revokedKids.map((r) => r.kid);
      expect(kids(world.ring).filter((kid) => named.includes(kid))).toEqual([]);
    });
  });

  it("no pass leaves a named kid in the ring, suspended or not, whatever the clock", () => {
    eachWrite(({ input, after: ring }) => {
      for (const { kid } of input.policy.revokedKids) {
        expect(kids(ring)).not.toContain(kid);
        expect(ring.revoked.map((r) => r.kid)).toContain(kid);
      }
    });
  });
});

describe("invariant 8: the number of keys is bounded", () => {
  it("however often people edit the profile while nothing can be pruned", () => {
    const algorithm = fc.constantFrom("ES256" as const, "EdDSA" as const, "RS256" as const);
    const edit = algorithm.map((a): Deed => ({ do: "edit", change: { profile: { ...policy.profile, algorithm: a } } }));
    const frantic = fc.array(edit, { minLength: 20, maxLength: 60 });
    holds(
      frantic.map((edits) => edits.flatMap((deed): Deed[] => [deed, { do: "pass", crash: "no" }])),
      ({ writes, ring }) => {
        expect(writes.map((w) => keysOf(w.after).length).filter((n) => n > keyLimit - 1)).toEqual([]);
        expect(ring?.signer.canSign).toBe(true);
      },
    );
  });

  it("and no live key is dropped for it: a key leaves by prune or revoke alone", () => {
    eachWrite(({ before, plan, after: ring }) => {
      expect(keysOf(ring).length).toBeLessThanOrEqual(keyLimit);
      if (!before || plan.steps.some((s) => s.type === "rebuild")) return;
      const gone = kids(before).filter((kid) => !kids(ring).includes(kid));
      const told = plan.steps.flatMap((s) => (s.type === "prune" || s.type === "revoke" ? [s.kid] : []));
      expect(told).toEqual(expect.arrayContaining([...gone]));
    });
  });
});

describe("invariant 9: applying twice is applying once, and a crash converges", () => {
  it("a plan does nothing to the ring that it made", () => {
    eachWrite(({ plan, after: ring }) => {
      const fresh = plan.steps.filter(needsFreshKey).map((_, i) => `again${i}`);
      expect(applyPlan(ring, plan, fresh)).toBe(ring);
    });
  });

  it("the same input gives the same plan, and the plan after it has nothing left of it", () => {
    eachWrite(({ input, plan, after: ring }) => {
      expect(planRotation(input)).toEqual(plan);
      const next = planRotation({ ...input, stored: { kind: "ring", ring, projections: {} } });
      expect(next.steps).toEqual([]);
    });
  });

  it("the three objects agree once nobody crashes any more", () => {
    holds(histories, (world) => {
      world.calm(0);
      expect(world.signer).toBe(world.ring);
      expect(world.public).toBe(world.ring);
    });
  });
});

describe("invariant 10: no rotation waits for ever while everybody is healthy", () => {
  it("after whatever has happened a day brings one signer that fits, a published standby and no old key", () => {
    holds(histories, (world) => {
      world.policy = { ...world.policy, schedule: { kind: "interval", everyMs: 365 * day } };
      world.calm(2 * day + 12 * hour);
      const { ring, policy: wanted } = world;
      expect(ring?.signer.canSign).toBe(true);
      expect(ring?.signer.profile.algorithm).toBe(wanted.profile.algorithm);
      expect(ring?.signer.publishedAtMs).toBeDefined();
      expect(ring?.standby?.publishedAtMs).toBeDefined();
      expect(ring?.retiring).toEqual([]);
    });
  });
});
