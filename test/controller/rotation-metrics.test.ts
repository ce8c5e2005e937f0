import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { decide } from "../../src/ring/decide.ts";
import { measureWatches, RotationMetrics } from "../../src/controller/rotation-metrics.ts";
import type { Sighting } from "../../src/controller/watches.ts";
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
    .filter((line) => line.startsWith("keyturn_") && !line.startsWith("keyturn_status_lag"))
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
  expect(await linesOf(registry)).toEqual([]);
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

it("measureWatches says of each watch whether it sees, and for how long it has heard nothing", async () => {
  const registry = new Registry();
  const pods = { namespace: "shop", resource: "pods" };
  const sightings: Sighting[] = [
    { ...pods, problem: "gone" },
    { namespace: "", resource: "pods", silenceMs: 12_500 },
  ];
  measureWatches(registry, () => sightings);
  // What has never been heard has been silent for no time that could be told
  expect(await linesOf(registry)).toEqual([
    'keyturn_watch_up{namespace="shop",resource="pods"} 0',
    'keyturn_watch_up{namespace="",resource="pods"} 1',
    'keyturn_watch_silence_seconds{namespace="",resource="pods"} 12.5',
  ]);
  sightings[0] = pods;
  expect((await linesOf(registry))[0]).toBe('keyturn_watch_up{namespace="shop",resource="pods"} 1');
});

it("RotationMetrics say how long the status that is furthest behind its ring has been so", async () => {
  const registry = new Registry();
  let nowMs = epoch;
  const metrics = new RotationMetrics(registry, () => nowMs);
  const lag = async () => (await registry.metrics()).match(/^keyturn_status_lag_seconds (.*)$/m)?.[1];
  metrics.behind(ref, epoch);
  metrics.behind({ ...ref, name: "other" }, epoch + 1000);
  metrics.behind(ref, epoch + 2000);
  nowMs += 3000;
  expect(await lag()).toBe("3");
  metrics.reported(ref);
  expect(await lag()).toBe("2");
  metrics.forget({ ...ref, name: "other" });
  expect(await lag()).toBe("0");
});
