import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { decide } from "../../src/ring/decide.ts";
import { RotationMetrics } from "../../src/keeper/rotation-metrics.ts";
import { gatewayAt, ringOf, silent, verifyOnly } from "../support/rings.ts";
import { epoch, minute } from "../support/story.ts";
import { reportOf, seeing } from "../cluster/support/resources.ts";

const ring = ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch })] });
const seen = seeing(ring, { gateways: [gatewayAt(ring), silent] });
const ref = seen.rotation;

/** The lines of a metric, without what comes of the name. */
async function linesOf(registry: Registry): Promise<readonly string[]> {
  const text = await registry.metrics();
  return text
    .split("\n")
    .filter((line) => line.startsWith("keyturn_"))
    .map((line) => line.replace('namespace="default",name="gateway"', "…"));
}

it("RotationMetrics count keys by state, gateways, generation, and the seconds to the next look", async () => {
  const registry = new Registry();
  const metrics = new RotationMetrics(registry, () => epoch - minute);
  const decision = decide(seen);
  metrics.seen(ref, reportOf(seen), decision);
  const nextMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs : 0;
  expect(await linesOf(registry)).toEqual([
    'keyturn_keys{…,state="Prepared"} 1',
    'keyturn_keys{…,state="Active"} 1',
    'keyturn_keys{…,state="VerifyOnly"} 1',
    "keyturn_ring_generation{…} 100",
    "keyturn_waiting_gateways{…} 1",
    "keyturn_ready{…} 0",
    "keyturn_stalled{…} 0",
    "keyturn_revocation_pending{…} 0",
    'keyturn_rotations_total{…,why="signerLost",result="early"} 0',
    'keyturn_rotations_total{…,why="signerRevoked",result="early"} 0',
    `keyturn_next_step_seconds{…} ${(nextMs - epoch + minute) / 1000}`,
  ]);
});

it("RotationMetrics count rotations by what asked for them, and whether every wait was kept", async () => {
  const registry = new Registry();
  const metrics = new RotationMetrics(registry, () => epoch);
  const activate = { type: "activate", kid: "k2", handledRequests: [] } as const;
  metrics.done(ref, { ...activate, why: "request", early: false });
  metrics.done(ref, { ...activate, why: "schedule", early: false });
  metrics.done(ref, { ...activate, why: "schedule", early: false });
  metrics.done(ref, { ...activate, why: "signerRevoked", early: true });
  metrics.done(ref, { type: "prune", kid: "k1" });
  expect(await linesOf(registry)).toEqual([
    'keyturn_rotations_total{…,why="request",result="completed"} 1',
    'keyturn_rotations_total{…,why="schedule",result="completed"} 2',
    'keyturn_rotations_total{…,why="signerRevoked",result="early"} 1',
  ]);
});

it("RotationMetrics tell of trouble that kept a pass from being made", async () => {
  const registry = new Registry();
  const metrics = new RotationMetrics(registry, () => epoch);
  metrics.seen(ref, reportOf(seen), decide(seen));
  metrics.troubled(ref, true);
  expect(await linesOf(registry)).toEqual(expect.arrayContaining(["keyturn_ready{…} 0", "keyturn_stalled{…} 1"]));
});

it("RotationMetrics of a process that no longer leads say nothing of rotations as they are", async () => {
  const registry = new Registry();
  const metrics = new RotationMetrics(registry, () => epoch);
  metrics.seen(ref, reportOf(seen), decide(seen));
  await registry.metrics();
  metrics.forgetAll();
  expect((await linesOf(registry)).filter((line) => !line.includes("_total"))).toEqual([]);
});

it("RotationMetrics forget a rotation that is gone", async () => {
  const registry = new Registry();
  const metrics = new RotationMetrics(registry, () => epoch);
  metrics.seen(ref, reportOf(seen), decide(seen));
  metrics.done(ref, { type: "activate", kid: "k2", handledRequests: [], why: "request", early: false });
  await registry.metrics();
  metrics.forget(ref);
  expect(await linesOf(registry)).toEqual([]);
});
