import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { lastStatus } from "../../src/cluster/last-status.ts";

import { KubeClient } from "../../src/kube/client.ts";
import { ApiError, ConnectionError } from "../../src/kube/kube-errors.ts";
import { ChangeNeededError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { RotationMetrics } from "../../src/keeper/rotation-metrics.ts";
import { StatusLag } from "../../src/controller/status-lag.ts";
import { rotations } from "../../src/parse/api-names.ts";
import { Reconciler } from "../../src/controller/reconciler.ts";
import { clientTo, transportTo } from "../kube/support/clients.ts";
import { fakeApi } from "../kube/support/fake-api.ts";
import { RightOfWay } from "../../src/kube/right-of-way.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";
import { resource } from "../cluster/support/resources.ts";

/** No object can be read, while the status can be written: as where one record in the store is damaged. */
class Unanswering extends KubeClient {
  readonly written: KubeObject[] = [];
  error: Error = new ConnectionError("TimedOut", "Cannot get secrets: no answer came", false);
  statusError: Error | undefined;
  override find(): Promise<never> {
    return Promise.reject(this.error);
  }
  override list(): Promise<never> {
    return this.find();
  }
  override updateStatus(_: unknown, object: KubeObject): Promise<KubeObject> {
    if (this.statusError) return Promise.reject(this.statusError);
    this.written.push(object);
    return Promise.resolve(object);
  }
}

/** A reconciler of one rotation over such a client. */
function setUp(spec: object = {}) {
  const clock = new FakeClock();
  const client = new Unanswering(transportTo("http://127.0.0.1:1", { clock }));
  const object = resource({ spec: { ...(resource()["spec"] as object), ...spec } });
  const reconciler = new Reconciler({
    ...{ client, count: () => 1, record: () => undefined, resources: { byKey: () => object } },
    metrics: new RotationMetrics(new Registry(), () => clock.nowMs()),
    lag: new StatusLag(new Registry(), () => clock.nowMs()),
  });
  const pass = (signal = new AbortController().signal) => reconciler.reconcile("default/gateway", signal);
  return { clock, client, pass };
}

/** The types and reasons of the conditions that were written when every pass has failed for so long. */
async function toldAfter(ms: number, spec: object): Promise<readonly string[]> {
  const { clock, client, pass } = setUp(spec);
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

describe("Reconciler, of a pass that fails,", () => {
  it("throws what the pass threw, where the status can't be written either", async () => {
    const { clock, client, pass } = setUp();
    client.statusError = new ConnectionError("Unreachable", "Cannot update the status", false);
    await expect(pass()).rejects.toThrow("no answer came");
    await clock.advance(30_000);
    await expect(pass()).rejects.toThrow("no answer came");
  });

  it("throws that the status may not be written, where only a person can mend the rest", async () => {
    const { client, pass } = setUp();
    client.error = new ChangeNeededError("SecretConflict", "not ours");
    client.statusError = new ApiError({ action: "", status: 403, reason: "Forbidden", causes: [] }, "no right");
    await expect(pass()).rejects.toThrow("no right");
  });

  it("says what a person must change, and waits for that", async () => {
    const { client, pass } = setUp();
    client.error = new ChangeNeededError("SecretConflict", "not ours");
    expect(await pass()).toEqual({ requeueAfterMs: 3_600_000 });
    expect(client.written).toHaveLength(1);
  });

  it("says nothing when it has been stopped", async () => {
    const { client, pass } = setUp();
    client.error = new ChangeNeededError("SecretConflict", "not ours");
    await expect(pass(AbortSignal.abort())).rejects.toThrow("not ours");
    expect(client.written).toEqual([]);
  });

  it("comes again soon and without a word, when another's write came first", async () => {
    const { client, pass } = setUp();
    client.error = new TryLaterError("Conflict", "changed meanwhile");
    expect(await pass()).toEqual({ backoff: { baseMs: 100, maxMs: 30_000 } });
    expect(client.written).toEqual([]);
  });

  it("goes on counting the half minute over a conflict, which is no success", async () => {
    const { clock, client, pass } = setUp();
    const failing = client.error;
    await expect(pass()).rejects.toThrow("no answer came");
    client.error = new TryLaterError("Conflict", "changed meanwhile");
    await clock.advance(30_000);
    await pass();
    client.error = failing;
    await expect(pass()).rejects.toThrow("no answer came");
    expect(client.written).toHaveLength(1);
  });
});

/** A reconciler with a Lease, over an API server with one rotation, which has begun and said so. */
async function settled() {
  const clock = new FakeClock();
  const { api, script } = await fakeApi();
  api.fault = (_, response) => {
    response.setHeader("date", new Date(clock.nowMs()).toUTCString());
    return false;
  };
  const client = clientTo(script.server, { clock });
  const ref = { namespace: "default", name: "gateway" };
  let object = await client.create(rotations, resource({ metadata: { ...ref, generation: 1 } }));
  const reconciler = new Reconciler({
    ...{ client, count: () => 1, record: () => undefined, resources: { byKey: () => object }, lease: "a/keyturn" },
    metrics: new RotationMetrics(new Registry(), () => clock.nowMs()),
    lag: new StatusLag(new Registry(), () => clock.nowMs()),
  });
  const read = async () => (object = await client.get(rotations, ref));
  const pass = async () => {
    await read();
    return reconciler.reconcile("default/gateway", new AbortController().signal);
  };
  let next = await pass();
  while ("requeueAfterMs" in next && next.requeueAfterMs === 0) next = await pass();
  return { client, pass, read };
}

describe("Reconciler, of a rotation that has begun,", () => {
  it("tells what was done once: the next pass changes no report", async () => {
    const { pass, read } = await settled();
    const told = await read();
    expect(lastStatus(told).history).not.toEqual([]);
    // Nine tenths of half a minute: a change that nobody watches
    expect(await pass()).toEqual({ requeueAfterMs: 27_000 });
    expect(await read()).toEqual(told);
  });

  it("answers the report of another controller within ten seconds", async () => {
    const { client, pass, read } = await settled();
    const ours = await read();
    await client.updateStatus(rotations, { ...ours, status: { ...(ours["status"] as object), lease: "b/keyturn" } });
    expect(await pass()).toEqual({ requeueAfterMs: 10_000 });
    const { lease, conditions } = lastStatus(await read());
    expect(lease).toBe("a/keyturn");
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Stalled", reason: "SeveralControllers" }));
  });
});

describe("Reconciler, while it looks after a rotation,", () => {
  /** What becomes of somebody else's request during a turn, and after it. */
  async function given(spec: object): Promise<readonly string[]> {
    const clock = new FakeClock();
    const client = new Unanswering(transportTo("http://127.0.0.1:1", { clock }));
    const answer = Promise.withResolvers<never>();
    client.find = () => answer.promise;
    const rightOfWay = new RightOfWay(clock);
    const reconciler = new Reconciler({
      ...{ client, count: () => 1, record: () => undefined, urgent: { client, rightOfWay } },
      resources: { byKey: () => resource({ spec: { ...(resource()["spec"] as object), ...spec } }) },
      metrics: new RotationMetrics(new Registry(), () => clock.nowMs()),
      lag: new StatusLag(new Registry(), () => clock.nowMs()),
    });
    const told: string[] = [];
    const pass = reconciler.reconcile("default/gateway", new AbortController().signal).catch(() => told.push("ended"));
    const waits = rightOfWay.given().then(() => told.push("goes on"));
    await turn();
    told.push("answered");
    answer.reject(client.error);
    await Promise.all([pass, waits]);
    return told;
  }

  it("holds up nobody", async () => {
    expect(await given({})).toEqual(["goes on", "answered", "ended"]);
  });

  it("has all others give way, if a revocation is asked for", async () => {
    const told = await given({ revokedKids: [{ kid: "stolen" }] });
    expect(told[0]).toBe("answered");
    expect(told.toSorted()).toEqual(["answered", "ended", "goes on"]);
  });
});
