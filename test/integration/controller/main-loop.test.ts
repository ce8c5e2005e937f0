import { expect, it } from "vitest";
import { holds, makeRotation, makeScene, type RotationHandle, startController, type Status } from "./support/scene.ts";
import { Traffic } from "./support/traffic.ts";

const scene = await makeScene("main-loop");

/** Waits for another signer than this one, and for a standby beside it that every verifier has. */
async function rotated(rotation: RotationHandle, from: Status): Promise<Status> {
  await rotation.reaches("rotated", ({ activeKid }) => activeKid !== undefined && activeKid !== from.activeKid);
  return rotation.ready();
}

const algorithmOf = ({ keys, activeKid }: Status): string | undefined =>
  keys.find(({ kid }) => kid === activeKid)?.algorithm;

it("keys change in every way there is, and not one valid token is refused", async () => {
  const controller = startController(scene);
  const rotation = await makeRotation(scene.namespace, "gateway");
  let status = await rotation.ready();
  const traffic = new Traffic(rotation, 2);
  const end = traffic.start();

  await rotation.edit({ rotation: { interval: "0s", requestID: "first" } });
  status = await rotated(rotation, status);
  await rotation.annotate({ "keyturn.dev/rotate-requested-at": "now" });
  status = await rotated(rotation, status);
  await rotation.edit({ rotation: { interval: "2s" } });
  status = await rotated(rotation, status);
  status = await rotated(rotation, status);
  await rotation.edit({ rotation: { interval: "0s" } });

  for (const change of [
    { algorithm: "EdDSA" },
    { algorithm: "RS256", rsaModulusBits: 2048 },
    { tokens: { issuer: "https://other.example" } },
    { tokens: { maxTTL: "3s" } },
  ]) {
    status = await rotation.ready();
    await rotation.edit(change);
    status = await rotated(rotation, status);
  }
  expect(algorithmOf(status)).toBe("RS256");

  // Back to the key before, and on again
  const wanted = status.keys.find(({ state }) => state === "VerifyOnly")?.kid ?? "";
  await rotation.edit({ activeKid: wanted });
  status = await rotation.reaches("rolled back", (now) => now.activeKid === wanted && holds(now, "Pinned"));
  await rotation.edit({ activeKid: "" });
  status = await rotation.ready();

  const stolen = status.activeKid ?? "";
  traffic.giveUp(stolen);
  await rotation.edit({ revokedKids: [{ kid: stolen, reason: "stolen" }] });
  status = await rotated(rotation, status);
  expect((await rotation.data("public"))["jwks.json"]).not.toContain(stolen);

  await rotation.reaches("every old key pruned", ({ keys }) => keys.length === 2);
  await end();
  console.log(
    `${traffic.minted} tokens of ${traffic.kids.size} keys, verified ${traffic.verified} times, ${traffic.refused.length} valid ones refused; ${traffic.rightlyRefused} of the revoked key refused`,
  );
  expect(traffic.refused).toEqual([]);
  expect(traffic.kids.size).toBeGreaterThanOrEqual(9);
  expect(traffic.rightlyRefused).toBeGreaterThan(0);
  expect(controller.problems).toEqual([]);
});
