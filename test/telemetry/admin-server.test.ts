import { once } from "node:events";
import { connect } from "node:net";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Reconcile, ReconcileLoop } from "../../src/runtime/reconcile-loop.ts";
import { Checks } from "../../src/telemetry/health.ts";
import { addProcessMetrics } from "../../src/telemetry/process-metrics.ts";
import { Metrics } from "../../src/runtime/controller-metrics.ts";
import { type AdminLimits, startAdminServer } from "../../src/telemetry/admin-server.ts";
import { clientTo } from "../kube/support/clients.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";
import { json, scriptServer } from "../kube/support/script-server.ts";
import { RawClient } from "../http/support/serve.ts";

async function admin(limits: AdminLimits = {}) {
  const [live, ready, metrics] = [new Checks(), new Checks(), new Metrics()];
  const { registry } = metrics;
  const server = await startAdminServer({ host: "127.0.0.1", port: 0, live, ready, registry, limits });
  onTestFinished(() => server.close());
  const ask = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { live, ready, metrics, server, ask };
}

test("startAdminServer says of each check whether it is well, and why not", async () => {
  const { live, ready, ask } = await admin();
  live.add("loop", () => undefined);
  let problem: string | undefined = "not synced";
  ready.add("cache", () => problem);
  ready.add("broken", () => {
    if (problem !== undefined) throw new Error("check failed itself");
    return undefined;
  });
  expect(await ask("/livez")).toMatchObject({ status: 200, text: "[+]loop ok\nlivez check passed\n" });
  expect(await ask("/readyz?verbose")).toMatchObject({
    status: 503,
    text: "[-]cache: not synced\n[-]broken: check failed itself\nreadyz check failed\n",
  });
  problem = undefined;
  expect(await ask("/readyz")).toMatchObject({ status: 200 });
});

test("startAdminServer says a remark of a check, and that it is well", async () => {
  const { ready, ask } = await admin();
  ready.add("watches", () => ({ remark: "one is blind" }));
  expect(await ask("/readyz")).toMatchObject({
    status: 200,
    text: "[+]watches ok, but one is blind\nreadyz check passed\n",
  });
});

test("startAdminServer answers no other path, and nothing that writes", async () => {
  const { ask } = await admin();
  expect(await ask("/")).toMatchObject({ status: 404, text: "" });
  expect(await ask("/metrics/x")).toMatchObject({ status: 404 });
  expect(await ask("/livez", "POST")).toMatchObject({ status: 405 });
  expect(await ask("/livez", "HEAD")).toMatchObject({ status: 200, text: "" });
});

test("startAdminServer.close frees the port, also with a connection that is kept alive", async () => {
  const { server, ask } = await admin();
  await ask("/livez");
  await server.close();
  await expect(ask("/livez")).rejects.toThrow("fetch failed");
});

test("startAdminServer.close does not wait for a connection that never said a word", async () => {
  const { server, ask } = await admin();
  const silent = connect(server.port, "127.0.0.1");
  await once(silent, "connect");
  // Connections are taken in their order
  await ask("/livez");
  const ended = once(silent, "close");
  await server.close();
  await ended;
});

test("startAdminServer names an address that can't be had", async () => {
  const { server, live, ready, metrics } = await admin();
  const { port } = server;
  const again = startAdminServer({ host: "127.0.0.1", port, live, ready, registry: metrics.registry });
  await expect(again).rejects.toMatchObject({
    code: "AddressUnusable",
    message: `Cannot listen on 127.0.0.1:${port}: something else listens there`,
  });
});

describe("a hostile client", () => {
  const get = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

  test.each([
    ["say nothing", ""],
    ["never end a header", "GET /livez HTTP/1.1\r\nX: "],
    ["ask and stay", get],
  ])("with hundreds of connections that %s keeps 64 at most, and nobody else out", async (_, text) => {
    const { server, ask } = await admin();
    let open = 0;
    for (let number = 0; number < 300; number++) {
      const client = await RawClient.to(server.port);
      open++;
      void client.ended.then(() => open--);
      if (text !== "") client.write(text);
    }
    expect(await ask("/livez")).toMatchObject({ status: 200 });
    await expect.poll(() => open).toBeLessThanOrEqual(64);
    expect(open).toBeGreaterThan(50);
  });

  test("does not push out a connection that is used", async () => {
    const { live, server } = await admin();
    const scraper = await RawClient.to(server.port);
    for (let round = 0; round < 10; round++) {
      live.add(`round ${round}`, () => undefined);
      await scraper.write(get.replace("livez", "livez?verbose")).says(`[+]round ${round} ok`);
      for (let number = 0; number < 40; number++) await RawClient.to(server.port);
    }
  });

  test.each([
    ["says nothing", ""],
    ["never ends its header", "GET /livez HTTP/1.1\r\nX: "],
  ])("that %s is cut off with 408", async (_, text) => {
    const { server } = await admin({ headerMs: 50, checkMs: 10 });
    const client = await RawClient.to(server.port);
    if (text !== "") client.write(text);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 408 /);
  });
});

test("Metrics counts under controller-runtime's names", async () => {
  const { metrics, ask } = await admin();
  const clock = new FakeClock();
  const controller = new ReconcileLoop({
    name: "rotation",
    clock,
    chance: () => 1,
    backoff: { baseMs: 1000, maxMs: 1000 },
    observer: metrics.observer("rotation"),
  });
  metrics.watchQueues([controller]);
  metrics.watchElection("keyturn", { isLeader: true });
  const stop = new AbortController();
  const reconcile: Reconcile = (key) =>
    key === "bad" ? Promise.reject(new Error("no")) : Promise.resolve({ requeueAfterMs: 9000 });
  const run = controller.run({ keys: ["good", "bad"], reconcile }, { stop: stop.signal, abandon: stop.signal });
  await turn();
  const { text, headers } = await ask("/metrics");
  expect(headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const line of [
    'controller_runtime_reconcile_total{controller="rotation",result="success"} 0',
    'controller_runtime_reconcile_total{controller="rotation",result="requeue_after"} 1',
    'controller_runtime_reconcile_total{controller="rotation",result="error"} 1',
    'controller_runtime_reconcile_errors_total{controller="rotation"} 1',
    'controller_runtime_reconcile_time_seconds_count{controller="rotation"} 2',
    'controller_runtime_active_workers{controller="rotation"} 0',
    'controller_runtime_max_concurrent_reconciles{controller="rotation"} 10',
    'workqueue_adds_total{name="rotation",controller="rotation"} 2',
    'workqueue_retries_total{name="rotation",controller="rotation"} 1',
    'workqueue_depth{name="rotation",controller="rotation"} 0',
    'workqueue_unfinished_work_seconds{name="rotation",controller="rotation"} 0',
    'workqueue_longest_running_processor_seconds{name="rotation",controller="rotation"} 0',
    'workqueue_queue_duration_seconds_count{name="rotation",controller="rotation"} 2',
    'workqueue_work_duration_seconds_count{name="rotation",controller="rotation"} 2',
    'leader_election_master_status{name="keyturn"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  stop.abort();
  await run;
});

test("Metrics.onCall counts API requests", async () => {
  const metrics = new Metrics();
  const { server } = await scriptServer([json(200, {})]);
  const { transport } = clientTo(server, { onCall: metrics.onCall });
  await transport.call({ method: "GET", path: "/x", what: "get it" });
  const { host } = new URL(server);
  const text = await metrics.registry.metrics();
  expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_request_duration_seconds_count{verb="GET",host="${host}"} 1`);
});

test("addProcessMetrics adds those of Node.js", async () => {
  const registry = new Registry();
  addProcessMetrics(registry);
  expect(await registry.metrics()).toContain("nodejs_eventloop_lag_p99_seconds");
});
