import { expect, it } from "vitest";
import { backUp, damage } from "./support/objects.ts";
import { makeRotation, makeScene, startController } from "./support/scene.ts";

const scene = await makeScene("older-public");

it("a key that an older ConfigMap hid while no controller ran is published and waited for anew before it signs", async () => {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, "hidden");
  const first = await rotation.ready();
  const backup = await backUp(rotation);
  await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
  await rotation.reaches("rotated", ({ activeKid }) => activeKid !== first.activeKid);
  const { keys } = await rotation.ready();
  const standby = keys.find((key) => key.state === "Prepared")?.kid ?? "none";
  await controller.stop();
  await damage(rotation, { role: "public", how: "older", backup });
  await rotation.edit({ rotation: { interval: "0s", requestID: "twice" } });

  const { deeds } = startController(scene);
  await rotation.reaches("rotated again", ({ activeKid }) => activeKid === standby);
  expect(deeds.filter((deed) => deed.endsWith(` ${standby}`))).toEqual([
    `unpublish ${standby}`,
    `publish ${standby}`,
    `activate ${standby}`,
  ]);
});
