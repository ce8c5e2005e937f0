import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { expectSound } from "../controller/support/objects.ts";
import { makeScene, RotationHandle, startController } from "../controller/support/scene.ts";
import { admin, hasKubectl } from "../support/scene.ts";
import { settled } from "./support/settled.ts";
import { openPage } from "./support/typed-page.ts";

const scene = await makeScene("moving");
const timeout = 300_000;

const kidsIn = async (rotation: RotationHandle): Promise<readonly string[]> => {
  const { keys } = JSON.parse((await rotation.data("public"))["jwks.json"] ?? "{}") as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

it("another name takes the keys over, and the old one goes", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  const { blocks, folder, type } = await openPage("docs/moving.md", scene.namespace);
  startController(scene);
  const old = await settled(scene, "old");
  await old.edit({ rotation: { interval: "0s", requestID: "once" } });
  await old.reaches("rotated", ({ history = [] }) => history.some(({ step }) => step === "activate"));
  const { activeKid = "" } = await old.ready();
  const before = await kidsIn(old);
  const [stop = "", give = "", apply = "", remove = ""] = blocks("Another name, or another namespace");
  await type(stop, "old");
  await type(give, "old");
  const { spec } = await admin.get<{ spec: object }>(old.path);
  const manifest = {
    ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name: "orders" } },
    spec: { ...spec, suspend: false, rotation: { interval: "0s" } },
  };
  await writeFile(
    join(folder, "orders.yaml"),
    JSON.stringify({ ...manifest, metadata: { name: "orders", namespace: scene.namespace } }),
  );
  await type(apply, "old");
  const orders = new RotationHandle(scene.namespace, "orders");
  expect((await orders.ready()).activeKid).toBe(activeKid);
  // Each key that may have signed goes on verifying; the old standby has signed nothing
  expect(await kidsIn(orders)).toEqual(expect.arrayContaining([...before]));
  await type(remove, "old");
  expect((await orders.ready()).activeKid).not.toBe(activeKid);
  expect(await kidsIn(orders)).toContain(activeKid);
  await expect(admin.get(old.objectPath("ring"))).rejects.toMatchObject({ status: 404 });
  await expectSound(orders);
});

it("a backup of a rotation comes back", { timeout }, async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  const { blocks, type } = await openPage("docs/backup.md", scene.namespace);
  const controller = startController(scene);
  const rotation = await settled(scene, "kept");
  const kids = await kidsIn(rotation);
  const [save = "", stop = "", restore = "", goOn = ""] = blocks("On a cluster");
  const scale = "kubectl scale deployment keyturn-controller";
  await type(save, "kept");
  // Here it is no Deployment
  expect(stop).toContain(scale);
  await controller.stop();
  await type(restore, "kept");
  startController(scene);
  const [again = "", ...wait] = goOn.split("\n");
  expect(again).toContain(scale);
  await type(wait.join("\n"), "kept");
  await rotation.ready();
  expect(await kidsIn(rotation)).toEqual(kids);
  await expectSound(rotation);
});
