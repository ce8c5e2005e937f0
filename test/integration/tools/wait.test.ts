import { expect, it, onTestFinished, vi } from "vitest";
import { FakeGateway, makeGatewayAccount } from "../controller/support/gateways.ts";
import { makeRotation, makeScene, quick, startController } from "../controller/support/scene.ts";
import { homeOf } from "./support/home.ts";
import { administrator } from "./support/person.ts";

const scene = await makeScene("wait");
const { namespace } = scene;
await makeGatewayAccount(namespace);
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const soon = { timeout: 120_000, interval: 50 };
const keyturn = (args: string) => administrator.keyturn(`${args} -n ${namespace}`);

it.each(["Ready", "step=activate"])("gives up waiting for %s with 4, and says what it waited for", async (what) => {
  const name = what.toLowerCase().replace("=", "-");
  await makeRotation(namespace, name, calm);
  const { code, err } = await keyturn(`wait ${name} --for=${what} --timeout 1ms`);
  expect(code).toBe(4);
  expect(err).toContain("keyturn: timed out while waiting: for a pass to come: a new key (ES256) starts the ring");
});

it("goes on when the gateway that it waits for acknowledges, and names it until then", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "gated", calm);
  await rotation.ready();
  const gateway = await FakeGateway.make(rotation, "gw-1");
  await gateway.is("Running");
  const late = await keyturn("rotate gated --wait --timeout 1ms");
  expect(late.code).toBe(4);

  const waiting = administrator.start(`wait gated --for=rotated --timeout 1m -n ${namespace}`);
  await waiting.says("gw-1 has not acknowledged");
  await gateway.acknowledge();
  await waiting.says("signs now");
  // The new ring has a demoted key and a standby, which it has to know of
  await rotation.reaches("a new ring", ({ keys }) => keys.length === 3);
  await gateway.acknowledge();
  await rotation.reaches("published", ({ keys }) => keys.every(({ publishedTime }) => publishedTime !== undefined));
  await gateway.acknowledge();
  expect(await waiting.ended).toMatchObject({ code: 0 });
});

it("ends with 1 when it is interrupted, and leaves no request behind", async () => {
  startController(scene);
  await (await makeRotation(namespace, "interrupted", { ...calm, rotation: { interval: "24h" } })).ready();
  const waiting = administrator.start(`wait interrupted --for=step=activate -n ${namespace}`);
  await waiting.says("waiting");
  waiting.interrupt();
  const { code, err } = await waiting.ended;
  expect(code).toBe(1);
  expect(err).toContain("interrupted while waiting");
});

it("watches: reads again when something happened, and not before", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "watched", calm);
  await rotation.ready();
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const home = homeOf(namespace, "watched");
  const changes = home.changes(end.signal)[Symbol.asyncIterator]();
  await changes.next();
  // Until every watch has seen the cluster
  await vi.waitFor(async () => {
    const [first, second] = [await home.observe(), await home.observe()];
    expect(second.gateways).toBe(first.gateways);
    expect(second.found.nowMs).toBeGreaterThanOrEqual(first.found.nowMs);
  }, soon);
  await rotation.annotate({ "keyturn.dev/rotate-requested-at": "news" });
  await vi.waitFor(async () => expect((await home.observe()).requests).toContain("annotation:news"), soon);
  await changes.next();
  end.abort();
  while ((await changes.next()).done !== true);
});

it("what happens during a look makes it old", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "raced", calm);
  await rotation.ready();
  const end = new AbortController();
  onTestFinished(() => end.abort());
  let isRaced = false;
  const home = homeOf(namespace, "raced", {
    // The last thing that a look reads
    beforeGet: async (path) => {
      if (!isRaced || !path.endsWith("/secrets/raced-ring")) return;
      isRaced = false;
      await rotation.annotate({ "keyturn.dev/rotate-requested-at": "news" });
      await changes.next();
    },
  });
  const changes = home.changes(end.signal)[Symbol.asyncIterator]();
  await changes.next();
  await vi.waitFor(async () => {
    const [first, second] = [await home.observe(), await home.observe()];
    expect(second.gateways).toBe(first.gateways);
  }, soon);
  isRaced = true;
  await rotation.annotate({ "example.com/look": "again" });
  await vi.waitFor(async () => {
    await home.observe();
    expect(isRaced).toBe(false);
  }, soon);
  expect((await home.observe()).requests).toContain("annotation:news");
});
