import { describe, expect, it } from "vitest";
import { makeSidecarAccount, RealGateway } from "../gateway/support/real-gateway.ts";
import { admin, exists, gone } from "../support/scene.ts";
import { veleroBackup, veleroRestore } from "../support/velero.ts";
import { expectSound, remove, roles } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "./support/scene.ts";

/** Everything of a namespace is lost, as when it is deleted. */
async function lose(rotation: RotationHandle, gateway: RealGateway): Promise<void> {
  await admin.remove(rotation.path);
  await gone(rotation.path);
  for (const role of roles) await remove(rotation.objectPath(role));
  for (const role of roles) if (await exists(rotation.objectPath(role))) await gone(rotation.objectPath(role));
  await admin.remove(`/api/v1/namespaces/${rotation.namespace}/pods/${gateway.name}`, { gracePeriodSeconds: 0 });
}

describe.each(["Retain", "Delete"])("a rotation with deletionPolicy: %s that Velero restores", (deletionPolicy) => {
  it.each([true, false])(
    "goes on with its keys, refuses no token, forgets no revocation; nothing fails. The controller runs all the while: %s",
    async (runsOn) => {
      const scene = await makeScene("velero");
      const first = startController(scene);
      const tokens = { ...quick.tokens, maxTTL: "10m" };
      const rotation = await makeRotation(scene.namespace, "gateway", { ...quick, tokens, deletionPolicy });
      const { activeKid: firstKid = "" } = await rotation.ready();
      await makeSidecarAccount(scene.namespace, "gateway");
      const gateway = await RealGateway.start(rotation, "before");
      // A ring with a past: a request that was handled, and a key that was revoked
      await rotation.edit({ rotation: { interval: "0s", requestID: "one" } });
      await rotation.reaches("rotated", ({ activeKid }) => activeKid !== firstKid);
      await rotation.edit({ revokedKids: [{ kid: firstKid }] });
      const isDone = (kids: readonly { readonly kid: string }[]): boolean => kids.every(({ kid }) => kid !== firstKid);
      await rotation.reaches("revoked", ({ keys }) => isDone(keys));
      await rotation.annotate({ "keyturn.dev/rotate-requested-at": "2026-11-21" });
      const { activeKid: secondKid } = await rotation.status();
      await rotation.reaches("rotated again", ({ activeKid }) => activeKid !== secondKid);
      const before = await rotation.ready();
      await rotation.reaches("acknowledged", ({ gateways }) => gateways.summary === "1/1");
      const token = await gateway.mint();

      const saved = await veleroBackup(scene.namespace);
      expect(saved.map(({ object }) => object.metadata.name)).toEqual(
        expect.arrayContaining(["gateway-ring", "gateway", "gateway-public"]),
      );
      if (!runsOn) await first.stop();
      await lose(rotation, gateway);
      expect(await veleroRestore(saved)).toEqual([]);

      const controller = runsOn ? first : startController(scene);
      const deedsBefore = runsOn ? first.deeds.length : 0;
      const again = await RealGateway.start(rotation, "after");
      const after = await rotation.reaches("ready again", ({ gateways }) => gateways.summary === "1/1");
      await rotation.ready();
      expect(after.activeKid).toBe(before.activeKid);
      expect(after.keys.map(({ kid }) => kid).toSorted()).toEqual(before.keys.map(({ kid }) => kid).toSorted());
      expect(controller.deeds.slice(deedsBefore)).toEqual([]);
      expect(await again.verify(token)).toBe(200);
      await expectSound(rotation);
      // And it rotates when it is asked
      await rotation.edit({ rotation: { interval: "0s", requestID: "two" } });
      await rotation.reaches("rotated", ({ activeKid }) => activeKid !== before.activeKid);
      expect(await again.verify(token)).toBe(200);
    },
  );
});
