import { expect, inject, it, vi } from "vitest";
import { proxyTo } from "../../kube/support/proxy.ts";
import { makeRotation, makeScene, quick, startController } from "../controller/support/scene.ts";
import { administratorBy } from "./support/person.ts";

const scene = await makeScene("deaf");
const { namespace } = scene;
const calm = { ...quick, rotation: { interval: "24h" }, tokens: { ...quick.tokens, maxTTL: "10m" } };
/** The rotation, its public ConfigMap, pods and acks: each on a connection of its own, beside the one for questions. */
const watched = 4;

/** A rotation that is ready, and a person whose wire to it can be frozen; the controller has a wire of its own. */
async function behindWire(name: string) {
  const controller = startController(scene);
  const rotation = await makeRotation(namespace, name, calm);
  const { activeKid = "" } = await rotation.ready();
  const wire = await proxyTo(inject("cluster").connection.server);
  const person = await administratorBy(wire.server);
  const start = (args: string) => person.start(`${args} -n ${namespace}`);
  const revoke = () => rotation.edit({ revokedKids: [{ kid: activeKid }] });
  /** Once everything is watched. */
  const freeze = async (): Promise<void> => {
    await vi.waitFor(() => expect(wire.opened()).toBeGreaterThan(watched), { timeout: 120_000 });
    wire.freeze();
  };
  return { controller, rotation, freeze, start, revoke, activeKid };
}

it("wait sees what happened after its connections began to swallow everything", async () => {
  const { freeze, start, revoke } = await behindWire("waited");
  const waiting = start("wait waited --for=step=activate --timeout 2m");
  await waiting.says("waiting");
  await freeze();
  await revoke();
  expect(await waiting.ended).toMatchObject({ code: 0, out: expect.stringContaining("signs now") as string });
});

it("a change with --wait comes to its end, although the wire swallows what comes after it was asked for", async () => {
  const { controller, rotation, freeze, start, activeKid } = await behindWire("changed");
  await controller.stop();
  const rotating = start("rotate changed --wait --timeout 2m");
  await rotating.says("waiting");
  await freeze();
  startController(scene);
  expect(await rotating.ended).toMatchObject({ code: 0, out: expect.stringContaining("signs now") as string });
  expect((await rotation.status()).activeKid).not.toBe(activeKid);
});

it("status --watch tells what happened after its connections began to swallow everything", async () => {
  const { freeze, start, revoke } = await behindWire("watched");
  const watching = start("status watched --watch");
  await watching.shows("Ready");
  await freeze();
  await revoke();
  await watching.shows("revoked");
  watching.interrupt();
  expect((await watching.ended).code).toBe(0);
});
