import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { KubeClient } from "../../src/kube/client.ts";
import { ConnectionError } from "../../src/kube/kube-errors.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { RotationMetrics } from "../../src/controller/rotation-metrics.ts";
import { Reconciler } from "../../src/controller/reconciler.ts";
import { transportTo } from "../kube/support/clients.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { resource } from "../cluster/support/resources.ts";

/** No object can be read, while the status can be written: as where one record in the store is damaged. */
class Unanswering extends KubeClient {
  readonly written: KubeObject[] = [];
  override find(): Promise<never> {
    return Promise.reject(new ConnectionError("TimedOut", "Cannot get secrets: no answer came", false));
  }
  override list(): Promise<never> {
    return this.find();
  }
  override updateStatus(_: unknown, object: KubeObject): Promise<KubeObject> {
    this.written.push(object);
    return Promise.resolve(object);
  }
}

/** The types and reasons of the conditions that were written when every pass has failed for so long. */
async function toldAfter(ms: number, spec: object): Promise<readonly string[]> {
  const clock = new FakeClock();
  const client = new Unanswering(transportTo("http://127.0.0.1:1", { clock }));
  const object = resource({ spec: { ...(resource()["spec"] as object), ...spec } });
  const reconciler = new Reconciler({
    ...{ client, count: () => 1, record: () => undefined, resources: { byKey: () => object } },
    metrics: new RotationMetrics(new Registry(), () => clock.nowMs()),
  });
  const pass = () => reconciler.reconcile("default/gateway", new AbortController().signal);
  await expect(pass()).rejects.toThrow("no answer came");
  expect(client.written).toEqual([]);
  await clock.advance(ms);
  await expect(pass()).rejects.toThrow("no answer came");
  const conditions = client.written.flatMap((one) => (one["status"] as { conditions: object[] }).conditions);
  return conditions.map((one) => {
    const { type, reason } = one as { type: string; reason: string };
    return `${type} ${reason}`;
  });
}

describe("Reconciler, where objects can't be read for long,", () => {
  it("says so after half a minute", async () => {
    expect(await toldAfter(29_999, {})).toEqual([]);
    expect(await toldAfter(30_000, {})).toEqual(["Ready ApiFailing", "Stalled ApiFailing"]);
  });

  it("says so after ten seconds while a revocation is asked for, which is pending", async () => {
    const spec = { revokedKids: [{ kid: "k1" }] };
    expect(await toldAfter(9999, spec)).toEqual([]);
    expect(await toldAfter(10_000, spec)).toEqual([
      "Ready ApiFailing",
      "Stalled ApiFailing",
      "RevocationPending RevocationPending",
    ]);
  });
});
