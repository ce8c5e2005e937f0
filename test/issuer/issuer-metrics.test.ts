import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { IssuerMetrics } from "../../src/issuer/issuer-metrics.ts";

describe("IssuerMetrics", () => {
  test.each([
    ["is open and answers", { isAway: false, load: { busy: 1, waiting: 0 } }, 1],
    ["was open and does not answer", { isAway: true, load: { busy: 1, waiting: 0 } }, 0],
    ["is not open yet", { isAway: true, load: undefined }, 0],
  ])("tells a store that %s", async (_, { isAway, load }, wanted) => {
    const registry = new Registry();
    new IssuerMetrics(registry, {
      ...{ grants: () => undefined, revocations: () => 0, isFileRefused: () => false },
      ...{ load: () => load, isStoreAway: () => isAway },
    });
    expect(await registry.getSingleMetricAsString("keyturn_issuer_store_open")).toContain(
      `keyturn_issuer_store_open ${wanted}`,
    );
  });
});
