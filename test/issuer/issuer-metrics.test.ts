import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { IssuerMetrics } from "../../src/issuer/issuer-metrics.ts";

describe("IssuerMetrics", () => {
  test("counts what became of expired tokens apart from renewals", async () => {
    const registry = new Registry();
    const metrics = new IssuerMetrics(registry, {
      ...{ grants: () => undefined, revocations: () => 0, isFileRefused: () => false },
      ...{ load: () => undefined, isStoreAway: () => false },
    });
    metrics.on({ kind: "recovered", sid: "s", subject: "a", clientId: "c", generation: 1, jti: "s.1" });
    metrics.on({ kind: "notRecovered", code: "superseded" });
    metrics.on({ kind: "notRecovered", code: "expiry" });
    const counted = await registry.getSingleMetricAsString("keyturn_issuer_expired_tokens_total");
    expect(counted).toContain('{outcome="recovered"} 1');
    expect(counted).toContain('{outcome="refused"} 2');
    expect(await registry.getSingleMetricAsString("keyturn_issuer_renewals_total")).not.toContain("} 1");
  });

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
