import { expect, inject, onTestFinished, test } from "vitest";
import { KubeClient } from "../../../src/kube/client.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { Reflector } from "../../../src/kube/reflector.ts";
import { configMaps } from "../../../src/kube/resource.ts";
import type { CacheChange } from "../../../src/kube/object-cache.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { proxyTo } from "../../kube/support/proxy.ts";
import { admin, makeNamespace } from "../support/scene.ts";

const namespace = await makeNamespace("wire");
const { server, token, ...tls } = inject("cluster").connection;
const path = `/api/v1/namespaces/${namespace}/configmaps`;

/** A client whose wire to the API server the test holds. */
async function wired() {
  const proxy = await proxyTo(server);
  const endpoint = fixedEndpoint(proxy.server, { tls, ...(token !== undefined && { token }) });
  return { proxy, client: new KubeClient(transportTo(endpoint)) };
}

test("KubeClient makes 500 calls on one connection", async () => {
  const { proxy, client } = await wired();
  await admin.create(path, { metadata: { name: "read" } });
  const startedAtMs = performance.now();
  for (let n = 0; n < 500; n++) await client.get(configMaps, { namespace, name: "read" });
  const eachMs = (performance.now() - startedAtMs) / 500;
  console.log(`500 reads one after the other: ${eachMs.toFixed(2)} ms each, ${proxy.opened()} connection`);
  expect(proxy.opened()).toBe(1);
});

/** A reflector of one object through the wire, which resolves what it is asked to wait for. */
async function reflecting(name: string, inactivityMs: number) {
  const { proxy, client } = await wired();
  const waiting = new Set<() => void>();
  const problems: unknown[] = [];
  const seen: string[] = [];
  const look = (): void => {
    for (const each of waiting) each();
  };
  const reflector = new Reflector({
    client,
    resource: configMaps,
    selection: { namespace, fieldSelector: `metadata.name=${name}` },
    inactivityMs,
    backoff: { baseMs: 20, maxMs: 20 },
    onChange: (change: CacheChange) => {
      seen.push(change.type);
      look();
    },
    onProblem: (problem) => problems.push(problem),
  });
  const stop = new AbortController();
  const run = reflector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await run;
  });
  await reflector.synced();
  const saw = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => (seen.length >= count ? resolve() : undefined);
      waiting.add(check);
      check();
    });
  return { proxy, seen, saw, problems };
}

test("Reflector misses nothing when its connection is cut", async () => {
  const { proxy, seen, saw } = await reflecting("cut", 60_000);
  await admin.create(path, { metadata: { name: "cut" } });
  await saw(1);
  proxy.cut();
  await admin.merge(`${path}/cut`, { data: { a: "1" } });
  await saw(2);
  proxy.cut();
  await admin.remove(`${path}/cut`);
  await saw(3);
  expect(seen).toEqual(["added", "updated", "deleted"]);
});

test("Reflector misses nothing when its connection dies without a close", async () => {
  const { proxy, seen, saw, problems } = await reflecting("dead", 1500);
  await admin.create(path, { metadata: { name: "dead" } });
  await saw(1);
  proxy.freeze();
  const frozenAtMs = systemClock.monotonicMs();
  await admin.merge(`${path}/dead`, { data: { a: "1" } });
  await saw(2);
  console.log(`Noticed after ${Math.round(systemClock.monotonicMs() - frozenAtMs)} ms with 1500 ms of patience`);
  expect(seen).toEqual(["added", "updated"]);
  expect(problems).toMatchObject([{ code: "TimedOut" }]);
});
