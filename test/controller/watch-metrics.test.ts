import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { measureWatches } from "../../src/controller/watch-metrics.ts";
import type { Sighting } from "../../src/controller/sightings.ts";

const linesOf = async (registry: Registry): Promise<readonly string[]> =>
  (await registry.metrics()).split("\n").filter((line) => line.startsWith("keyturn_"));

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
