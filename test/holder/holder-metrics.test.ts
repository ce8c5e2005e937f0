import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { HolderMetrics } from "../../src/holder/holder-metrics.ts";
import { newObserver } from "../../src/holder/observer.ts";
import { ring, World } from "../gateway/support/world.ts";

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test("HolderMetrics tell of the ring in memory under the name of the program that holds it", async () => {
  const world = new World();
  const started: { world?: World } = {};
  const registry = new Registry();
  const { clock } = world;
  const metrics = new HolderMetrics({
    ...{ registry, prefix: "keyturn_issuer", clock },
    state: () => started.world?.state,
  });
  const told = async (): Promise<string[]> =>
    (await registry.metrics()).split("\n").filter((line) => /^keyturn_/.test(line) && !line.includes("_bucket"));
  expect(await told()).toEqual([
    'keyturn_issuer_unfit_documents_total{source="mount"} 0',
    'keyturn_issuer_unfit_documents_total{source="watch"} 0',
    'keyturn_issuer_unfit_documents_total{source="truth"} 0',
    "keyturn_issuer_swap_seconds_sum 0",
    "keyturn_issuer_swap_seconds_count 0",
  ]);
  world.shows = ring({ generation: 5 });
  started.world = await world.start({ observer: newObserver(log, metrics) });
  world.mounts({ kind: "unfit", problem: "why" });
  await clock.advance(1000);
  expect(await told()).toEqual([
    'keyturn_issuer_unfit_documents_total{source="mount"} 1',
    'keyturn_issuer_unfit_documents_total{source="watch"} 0',
    'keyturn_issuer_unfit_documents_total{source="truth"} 0',
    "keyturn_issuer_swap_seconds_sum 0",
    "keyturn_issuer_swap_seconds_count 1",
    "keyturn_issuer_ring_generation 5",
    "keyturn_issuer_acked_generation 5",
    "keyturn_issuer_ready 1",
    "keyturn_issuer_degraded 0",
    "keyturn_issuer_silence_seconds 1",
    expect.stringMatching(/^keyturn_issuer_mint_fence_seconds \d+$/),
    "keyturn_issuer_ring_age_seconds 1",
  ]);
});
