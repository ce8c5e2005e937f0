import { describe, expect, it } from "vitest";
import { admin } from "../support/scene.ts";
import { roles } from "./support/objects.ts";
import {
  holds,
  makeRotation,
  makeScene,
  quick,
  startController,
  type RotationHandle,
  type Status,
} from "./support/scene.ts";

const scene = await makeScene("emergency");
const { namespace } = scene;
const instant = { ...quick, propagation: { minimum: "0s" } };

const messageOf = ({ conditions }: Status, type: string): string =>
  conditions.find((one) => one.type === type)?.message ?? "";

/** In which of the three objects the key still is. */
async function whereIs(rotation: RotationHandle, kid: string): Promise<readonly string[]> {
  const files = await Promise.all(roles.map(async (role) => [role, await rotation.data(role)] as const));
  const holdsKey = ({ "keyring.json": text = "{}" }: Readonly<Record<string, string>>): boolean =>
    (JSON.parse(text) as { keys: readonly { kid: string }[] }).keys.some((key) => key.kid === kid);
  return files.filter(([, data]) => holdsKey(data)).map(([role]) => role);
}

/** What the API server takes, since CEL has neither calendar nor zones, and no rotation can be run by. */
const unusable = {
  "a day that no year has": { schedule: "0 3 31 2 *" },
  "a zone that is none": { schedule: "0 3 * * 0", timeZone: "Europe/Belin" },
  "more runs than the window allows": { schedule: "*/5 * * * *", timeZone: "Europe/Berlin" },
};

describe("a spec that the API server takes and nobody can use", () => {
  it.each(Object.entries(unusable))("%s, holds up no revocation, and is told at once", async (what, schedule) => {
    startController(scene);
    const name = what.split(" ").slice(0, 3).join("-");
    const spec = { ...instant, rotationWindow: "2h" };
    const rotation = await makeRotation(namespace, name, spec);
    const { activeKid = "", ringGeneration } = await rotation.ready();
    await rotation.edit({ rotation: { interval: null, ...schedule, requestID: "held" } });
    const stalled = await rotation.stalled("InvalidSpec");
    expect(messageOf(stalled, "Ready")).toContain("spec.rotation.");
    expect(stalled).toMatchObject({ activeKid, ringGeneration });
    await rotation.edit({ revokedKids: [{ kid: activeKid, reason: "stolen" }] });
    const revoked = await rotation.reaches("revoked", (now) => now.activeKid !== activeKid);
    expect(await whereIs(rotation, activeKid)).toEqual([]);
    expect([holds(revoked, "Ready"), holds(revoked, "Stalled")]).toEqual([false, true]);
    expect(revoked["revocations"]).toMatchObject([{ kid: activeKid }]);
    await rotation.edit({ rotation: { schedule: null, timeZone: null, interval: "0s" } });
    await rotation.ready();
  });

  it("replaces every key that was made before an instant, by the profile of the old signer", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "cutoff", { ...instant, algorithm: "ES384" });
    const before = await rotation.ready();
    const { schedule } = unusable["a day that no year has"];
    await rotation.edit({
      algorithm: "EdDSA",
      rotation: { interval: null, schedule },
      revokeKeysCreatedBefore: new Date(Date.now() + 1000).toISOString(),
    });
    const after = await rotation.reaches("revoked", (now) => now.activeKid !== before.activeKid);
    for (const { kid } of before.keys) expect(await whereIs(rotation, kid)).toEqual([]);
    expect(after.keys.map(({ state, algorithm }) => `${state} ${algorithm}`)).toEqual(["Active ES384"]);
  });

  it("is no reason for a ring that is lost to stay so", async () => {
    const controller = startController(scene);
    const rotation = await makeRotation(namespace, "lost", instant);
    const { activeKid = "" } = await rotation.ready();
    await controller.stop();
    await admin.remove(rotation.objectPath("ring"));
    await rotation.edit({
      rotation: { interval: null, ...unusable["a zone that is none"] },
      revokedKids: [{ kid: activeKid }],
    });
    startController(scene);
    await rotation.reaches("rebuilt without the key", (now) => now.activeKid !== activeKid && holds(now, "Stalled"));
    expect(await whereIs(rotation, activeKid)).toEqual([]);
  });
});

describe("revokeKeysCreatedBefore with a slip of the year", () => {
  it("revokes nothing, is told, and holds nothing else up", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "slip", instant);
    const { keys, activeKid } = await rotation.ready();
    await rotation.edit({ revokeKeysCreatedBefore: "2126-11-21T10:00:00Z" });
    const stalled = await rotation.stalled("InvalidSpec");
    expect(messageOf(stalled, "Stalled")).toContain(
      "spec.revokeKeysCreatedBefore: must not be more than 30 s in the future",
    );
    expect(stalled.keys.map(({ kid }) => kid)).toEqual(keys.map(({ kid }) => kid));
    await rotation.edit({ rotation: { requestID: "go" } });
    await rotation.reaches("rotated", (now) => now.activeKid !== activeKid);
    expect((await rotation.status())["revocations"]).toEqual([]);
  });
});

describe("a pinned signer", () => {
  it("is revoked by one patch, and the condition says what became of the pin", async () => {
    startController(scene);
    const rotation = await makeRotation(namespace, "pinned", instant);
    const { activeKid = "" } = await rotation.ready();
    await rotation.edit({ activeKid });
    await rotation.reaches("pinned", (now) => holds(now, "Pinned"));
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    const revoked = await rotation.reaches("revoked", (now) => now.activeKid !== activeKid);
    expect(await whereIs(rotation, activeKid)).toEqual([]);
    const status = await rotation.reaches("told", ({ conditions }) =>
      conditions.some(({ reason }) => reason === "PinnedKeyRevoked"),
    );
    expect(status.activeKid).toBe(revoked.activeKid);
  });
});
