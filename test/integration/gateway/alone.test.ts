import { expect, test, vi } from "vitest";
import { admin, sees } from "../support/scene.ts";
import { makeRotation, makeScene, quick, startController } from "../controller/support/scene.ts";
import { makeSidecarAccount, RealGateway } from "./support/real-gateway.ts";

const scene = await makeScene("alone");

async function withGateway(name: string) {
  startController(scene);
  const rotation = await makeRotation(scene.namespace, name, quick);
  await rotation.ready();
  await makeSidecarAccount(scene.namespace, name);
  const gateway = await RealGateway.start(rotation, `${name}-a`);
  await rotation.reaches("1/1", ({ gateways }) => gateways.summary === "1/1");
  return { rotation, gateway };
}

const acksPath = `/apis/keyturn.dev/v1alpha1/namespaces/${scene.namespace}/keyringacks`;

test("an ack that somebody deletes is written again within seconds", async () => {
  const { rotation, gateway } = await withGateway("acks");
  const before = await gateway.ack();
  const path = `${acksPath}/${before.metadata.name}`;
  const startedAtMs = performance.now();
  await admin.remove(path);
  const own = `${acksPath}?fieldSelector=metadata.name=${before.metadata.name}`;
  const again = await sees(own, ({ metadata }) => metadata.uid !== before.metadata.uid, 20_000);
  console.log(`Written again after ${Math.round(performance.now() - startedAtMs)} ms`);
  expect(again).toMatchObject({ generation: before["generation"] });
  await rotation.reaches("1/1", ({ gateways }) => gateways.summary === "1/1");
});

test("a pod that was force-deleted and lives on hands out its keys for the propagation wait, and then no more", async () => {
  const { rotation, gateway } = await withGateway("ghost");
  const first = await gateway.fetch("/.well-known/jwks.json");
  expect(first.status).toBe(200);
  await admin.remove(`/api/v1/namespaces/${scene.namespace}/pods/${gateway.name}?gracePeriodSeconds=0`);
  await rotation.reaches("no gateway", ({ gateways }) => gateways.summary === "0/0");
  await vi.waitFor(
    async () => {
      const { status, headers } = await gateway.fetch("/.well-known/jwks.json");
      expect([status, headers.get("cache-control")]).toEqual([503, "no-store"]);
    },
    { timeout: 40_000, interval: 200 },
  );
  expect((await gateway.fetch("/.well-known/openid-configuration")).status).toBe(503);
  expect(await gateway.get("/metrics")).toMatch(/keyturn_gateway_silence_seconds (1[5-9]|[2-9]\d)/);
});
