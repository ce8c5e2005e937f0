import { setTimeout as pause } from "node:timers/promises";
import { expect, inject, test } from "vitest";
import { type Clock, systemClock } from "../../../src/time/clock.ts";
import { proxyTo } from "../../kube/support/proxy.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "../controller/support/scene.ts";
import { makeSidecarAccount, RealGateway } from "./support/real-gateway.ts";

const scene = await makeScene("outages");

/** A gateway's minute is two seconds here, for its waits; the time of day is real. */
const haste = 30;
const hurried: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * haste,
  after: (ms, action) => systemClock.after(ms / haste, action),
};

async function behindWire(name: string) {
  startController(scene);
  // Tokens that outlive the test
  const rotation = await makeRotation(scene.namespace, name, {
    ...quick,
    tokens: { ...quick.tokens, maxTTL: "10m" },
  });
  await rotation.ready();
  await makeSidecarAccount(scene.namespace, name);
  const wire = await proxyTo(inject("cluster").connection.server);
  const gateway = await RealGateway.start(rotation, `${name}-a`, { server: wire.server, clock: hurried });
  await rotation.reaches("1/1", ({ gateways }) => gateways.summary === "1/1");
  return { rotation, wire, gateway };
}

const isOver = async (rotation: RotationHandle, before: string | undefined): Promise<string | undefined> => {
  const status = await rotation.reaches("rotated", ({ activeKid }) => activeKid !== before);
  await rotation.reaches("acknowledged", ({ gateways }) => gateways.summary === "1/1");
  return status.activeKid;
};

test("a watch that is dead without a close: it goes on, notices, and catches up", async () => {
  const { rotation, wire, gateway } = await behindWire("silent");
  const token = await gateway.mint();
  const opened = wire.opened();
  wire.freeze();
  await rotation.edit({ rotation: { interval: "0s", requestID: "r1" } });
  expect(await gateway.verify(token)).toBe(200);
  // The standby is known since before: the rotation waits for no news of this gateway, but for its ack of the new generation
  const signer = await isOver(rotation, token.kid);
  expect(wire.opened()).toBeGreaterThan(opened);
  expect((await gateway.mint()).kid).toBe(signer);
  expect(await gateway.verify(token)).toBe(200);
});

test("an API server that is gone for minutes: it serves what it has, says so, and catches up", async () => {
  const { rotation, wire, gateway } = await behindWire("gone");
  const token = await gateway.mint();
  wire.refuse(true);
  const minutes = 5;
  const untilMs = hurried.monotonicMs() + minutes * 60_000;
  while (hurried.monotonicMs() < untilMs) {
    expect(await gateway.verify(token)).toBe(200);
    expect((await gateway.mint()).kid).toBe(token.kid);
    await pause(100);
  }
  expect(await gateway.get("/readyz")).toContain("[!]");
  await rotation.edit({ rotation: { interval: "0s", requestID: "r1" } });
  wire.refuse(false);
  const signer = await isOver(rotation, token.kid);
  expect((await gateway.mint()).kid).toBe(signer);
  expect(await gateway.verify(token)).toBe(200);
  while ((await gateway.get("/readyz")).includes("[!]")) await pause(100);
});
