import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { AgentMetrics, mostIdentitiesTold } from "../../src/agent/agent-metrics.ts";
import type { AgentIdentities } from "../../src/agent/agent-identities.ts";
import { away } from "../identity/support/story.ts";
import { hourMs, startMs } from "../identity/support/pairs.ts";
import { AgentScene } from "./identities/support/agent-scene.ts";
import { identitySpec } from "./support/memory-identities.ts";

interface Metered {
  readonly scene: AgentScene;
  readonly identities: AgentIdentities;
  readonly lines: (name: string) => Promise<readonly string[]>;
}

async function metered(names: readonly string[]): Promise<Metered> {
  const scene = new AgentScene();
  const registry = new Registry();
  const metrics = new AgentMetrics(registry, () => identities);
  const identities = await scene.open(
    names.map((name) => identitySpec(name)),
    { onNews: metrics.heard },
  );
  const lines = async (name: string): Promise<readonly string[]> =>
    (await registry.getSingleMetricAsString(`keyturn_agent_${name}`))
      .split("\n")
      .filter((line) => !line.startsWith("#"));
  return { scene, identities, lines };
}

describe("AgentMetrics", () => {
  it("tells of each identity its token's end, its last success, and what came of it", async () => {
    const { scene, identities, lines } = await metered(["a", "b"]);
    scene.issuer.failures.set("b", away());
    await identities.find("a")?.refresh();
    await identities
      .find("b")
      ?.refresh()
      .catch(() => undefined);
    expect(await lines("identities")).toEqual([
      'keyturn_agent_identities{origin="file"} 2',
      'keyturn_agent_identities{origin="registered"} 0',
    ]);
    expect(await lines("token_expiry_timestamp_seconds")).toContain(
      `keyturn_agent_token_expiry_timestamp_seconds{identity="a"} ${(startMs + hourMs) / 1000}`,
    );
    expect(await lines("last_success_timestamp_seconds")).toContain(
      `keyturn_agent_last_success_timestamp_seconds{identity="b"} ${startMs / 1000}`,
    );
    expect(await lines("earliest_expiry_timestamp_seconds")).toEqual([
      `keyturn_agent_earliest_expiry_timestamp_seconds ${(startMs + hourMs) / 1000}`,
    ]);
    expect((await lines("identity_outcomes_total")).toSorted()).toEqual([
      'keyturn_agent_identity_outcomes_total{identity="a",outcome="renewed"} 2',
      'keyturn_agent_identity_outcomes_total{identity="b",outcome="away"} 1',
      'keyturn_agent_identity_outcomes_total{identity="b",outcome="renewed"} 1',
    ]);
    expect(await lines("outcomes_total")).toContain('keyturn_agent_outcomes_total{outcome="renewed"} 3');
  });

  it("has nothing of an identity that is gone, nor of the one before it of the same name", async () => {
    const { identities, lines } = await metered([]);
    for (let n = 0; n < 3; n++) {
      await (await identities.register(identitySpec("a"))).token();
      expect(await lines("identity_outcomes_total")).toEqual([
        'keyturn_agent_identity_outcomes_total{identity="a",outcome="renewed"} 1',
      ]);
      await identities.unregister("a");
      for (const name of ["identity_outcomes_total", "token_expiry_timestamp_seconds", "identity_sink_problems"]) {
        expect(await lines(name)).toEqual([]);
      }
    }
    expect(await lines("outcomes_total")).toContain('keyturn_agent_outcomes_total{outcome="renewed"} 3');
  });

  it.each([
    [mostIdentitiesTold, mostIdentitiesTold],
    [mostIdentitiesTold + 1, 0],
  ])("of %d identities has %d by name: of too many the sums alone", async (count, told) => {
    const { lines } = await metered(Array.from({ length: count }, (_, n) => `i${n}`));
    expect(await lines("token_expiry_timestamp_seconds")).toHaveLength(told);
    expect(await lines("identities")).toContain(`keyturn_agent_identities{origin="file"} ${count}`);
    expect(await lines("outcomes_total")).toContain(`keyturn_agent_outcomes_total{outcome="renewed"} ${count}`);
  });

  it("says 0 for the earliest end while one has no token", async () => {
    const scene = new AgentScene();
    scene.issuer.failures.set("b", away());
    const registry = new Registry();
    const identities = await scene.open([identitySpec("a"), identitySpec("b")], { startWithout: true });
    new AgentMetrics(registry, () => identities);
    await identities.find("a")?.token();
    const text = await registry.getSingleMetricAsString("keyturn_agent_earliest_expiry_timestamp_seconds");
    expect(text).toContain("keyturn_agent_earliest_expiry_timestamp_seconds 0");
  });
});
