import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { addKeyMetrics } from "../../src/holder/key-metrics.ts";
import { kid } from "../gateway/support/rings.ts";
import { tokenOf } from "../gateway/support/tokens.ts";
import { ring, World } from "../gateway/support/world.ts";

test("addKeyMetrics tells of the keys in memory alone, of each with its state how many tokens came with it", async () => {
  const world = new World();
  const registry = new Registry();
  const holding: { memory?: World["gateway"]["memory"] } = {};
  addKeyMetrics({ registry, prefix: "keyturn_gateway", memory: () => holding.memory });
  const told = async (): Promise<string[]> =>
    (await registry.metrics()).split("\n").filter((line) => line.startsWith("keyturn_"));
  expect(await told()).toEqual([]);

  world.shows = ring({ generation: 5, retiring: [2] });
  await world.start();
  const { memory } = world.gateway;
  holding.memory = memory;
  await world.sees(({ current }) => current?.ring.generation === 5);
  const nowMs = world.clock.nowMs();
  for (const signer of [0, 2, 2, 3]) memory.verifier?.verify(tokenOf({ signer, nowMs }), nowMs);
  expect(await told()).toEqual([
    `keyturn_gateway_accepted_tokens_total{kid="${kid(0)}"} 1`,
    `keyturn_gateway_accepted_tokens_total{kid="${kid(1)}"} 0`,
    `keyturn_gateway_accepted_tokens_total{kid="${kid(2)}"} 2`,
    `keyturn_gateway_key_info{kid="${kid(0)}",state="active"} 1`,
    `keyturn_gateway_key_info{kid="${kid(1)}",state="prepared"} 1`,
    `keyturn_gateway_key_info{kid="${kid(2)}",state="verify-only"} 1`,
  ]);

  // Key 2 is pruned, key 1 signs, key 3 comes
  world.watches(ring({ generation: 6, signer: 1, standby: 3, retiring: [0] }));
  await world.sees(({ current }) => current?.ring.generation === 6);
  expect(await told()).toEqual([
    `keyturn_gateway_accepted_tokens_total{kid="${kid(1)}"} 0`,
    `keyturn_gateway_accepted_tokens_total{kid="${kid(3)}"} 0`,
    `keyturn_gateway_accepted_tokens_total{kid="${kid(0)}"} 1`,
    `keyturn_gateway_key_info{kid="${kid(1)}",state="active"} 1`,
    `keyturn_gateway_key_info{kid="${kid(3)}",state="prepared"} 1`,
    `keyturn_gateway_key_info{kid="${kid(0)}",state="verify-only"} 1`,
  ]);
});
