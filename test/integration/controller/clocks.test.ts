import { expect, it } from "vitest";
import { systemClock } from "../../../src/time/clock.ts";
import { makeRotation, makeScene, quick, startController } from "./support/scene.ts";

const scene = await makeScene("clocks");

const waitMs = 8000;
/** Within the 30 s that are tolerated. */
const aheadMs = 25_000;

it("a leader whose clock is 25 s ahead ends no wait earlier that a leader before it began", async () => {
  const spec = { ...quick, propagation: { minimum: `${waitMs / 1000}s` } };
  const before = startController(scene);
  const rotation = await makeRotation(scene.namespace, "relay", { ...spec, rotation: { interval: "0s" } });
  const { activeKid, keys } = await rotation.ready();
  const publishedAtMs = Date.parse(keys.find(({ state }) => state === "Prepared")?.publishedTime ?? "");
  await before.stop();
  startController(scene, { clock: { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs } });
  await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
  await rotation.reaches("rotated", (now) => now.activeKid !== activeKid);
  // By the API server's clock, which is this machine's; the fact itself may be a second ahead
  expect(Date.now()).toBeGreaterThanOrEqual(publishedAtMs - 1000 + waitMs);
});
