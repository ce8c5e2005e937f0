import { describe, expect, it, vi } from "vitest";
import { admin } from "../support/scene.ts";
import { backUp, damage, type Damage, damages, expectSound, remove, type Role, roles } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "./support/scene.ts";

const scene = await makeScene("disasters");

const subsets: readonly (readonly Role[])[] = [
  ...roles.map((role) => [role]),
  ["ring", "signer"],
  ["ring", "public"],
  ["signer", "public"],
  [...roles],
];

/** What a person has to be told before anything goes on; undefined where it mends by itself. */
function stallOf(how: Damage, hit: readonly Role[]): string | undefined {
  if (how === "foreign") return "SecretConflict";
  if ((how === "emptied" || how === "corrupt") && hit.includes("ring")) return "RingUnreadable";
  return hit.length === roles.length ? "RingRolledBack" : undefined;
}

const cases = Object.keys(damages).flatMap((how) =>
  subsets.map((hit) => ({ how: how as Damage, hit, stall: stallOf(how as Damage, hit) })),
);

/** A change that says nothing, so that the Secrets, which nobody watches, are read now and not within the hour. */
const look = (rotation: RotationHandle): Promise<unknown> => rotation.annotate({ "example.com/look": String(looks++) });
let looks = 0;

const soon = { timeout: 120_000, interval: 100 };

describe("whatever befalls the three objects", () => {
  it.each(cases)("$hit $how: $stall", async ({ how, hit, stall }) => {
    const controller = startController(scene);
    const name = `${how}-${hit.join("-")}`;
    const rotation = await makeRotation(scene.namespace, name, { ...quick, propagation: { minimum: "0s" } });
    const first = await rotation.ready();
    const backup = await backUp(rotation);
    await rotation.edit({ rotation: { interval: "0s", requestID: "once" } });
    await rotation.reaches("rotated", ({ activeKid }) => activeKid !== first.activeKid);
    const before = await rotation.ready();
    await controller.stop();
    for (const role of hit) await damage(rotation, { role, how, backup });

    startController(scene);
    if (stall !== undefined) {
      await look(rotation);
      const stalled = await rotation.stalled(stall);
      expect(stalled.conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: stall });
      if (stall === "SecretConflict") for (const role of hit) await remove(rotation.objectPath(role));
      await look(rotation);
      if (stall !== "SecretConflict" || hit.length === roles.length) {
        if (stall === "SecretConflict") await rotation.stalled("RingRolledBack");
        // A later second than the stall's, whatever the second is
        const requested = new Date(Date.now() + 1000).toISOString();
        await rotation.annotate({ "keyturn.dev/recover-requested-at": requested });
      }
    }
    await vi.waitFor(async () => {
      await look(rotation);
      await expectSound(rotation);
    }, soon);
    const { ringGeneration = 0 } = await rotation.status();
    expect(ringGeneration).toBeGreaterThanOrEqual(before.ringGeneration ?? 0);
    await admin.remove(rotation.path);
  });
});
