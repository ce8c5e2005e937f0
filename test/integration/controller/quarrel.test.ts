import { describe, expect, it, vi } from "vitest";
import { admin } from "../support/scene.ts";
import { remove } from "./support/objects.ts";
import { makeRotation, makeScene, quick, startController } from "./support/scene.ts";

const scene = await makeScene("quarrel");
const never = { rotation: { interval: "0s" }, propagation: { minimum: "0s" } };
const soon = { timeout: 120_000, interval: 50 };

describe("somebody who deletes the public ConfigMap again and again", () => {
  it("is in the status, and holds up neither a revocation nor its report", async () => {
    startController(scene);
    const rotation = await makeRotation(scene.namespace, "quarrel", { ...quick, ...never });
    const { activeKid = "" } = await rotation.ready();
    const quarrel = new AbortController();
    const quarreller = (async () => {
      while (!quarrel.signal.aborted) await remove(rotation.objectPath("public"));
    })();
    const isQuarrel = ({ conditions }: { readonly conditions: readonly { readonly reason: string }[] }): boolean =>
      conditions.some(({ reason }) => reason === "Quarrel");
    await rotation.reaches("Quarrel", isQuarrel, 120_000);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await vi.waitFor(async () => {
      const status = await rotation.status();
      expect(status).toMatchObject({ revocations: [{ kid: activeKid }] });
      expect(status.activeKid).not.toBe(activeKid);
      expect(isQuarrel(status)).toBe(true);
    }, soon);
    quarrel.abort();
    await quarreller;
    // A pass comes every ten seconds, and mends what is gone before the quarrel is forgotten
    await vi.waitFor(() => rotation.data("public"), soon);
    await admin.remove(rotation.path);
  });
});
