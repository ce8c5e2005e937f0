import { expect, it } from "vitest";
import { holds, makeRotation, makeScene, quick, startController } from "../controller/support/scene.ts";
import { administrator, type Ended } from "./support/person.ts";

const scene = await makeScene("tools-refused");
const { namespace } = scene;
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const words = "spec.rotation.schedule: must have a day that exists";
const unusable = { rotation: { interval: null, schedule: "0 3 31 2 *" } };

/** The command with NAME for the rotation's name. */
const call = (name: string, args: string): Promise<Ended> =>
  administrator.keyturn(`${args.replace("NAME", name)} --namespace ${namespace}`);

it("a spec that can't be used: the tools look, say what is wrong, and revoke", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "refused", calm);
  const { activeKid = "" } = await rotation.ready();
  await rotation.edit(unusable);
  await rotation.stalled("InvalidSpec");
  const status = await call("refused", "status NAME");
  expect(status).toMatchObject({ code: 0, out: expect.stringContaining(words) as string });
  expect(status.out).toContain(activeKid.slice(0, 8));
  for (const look of [
    "plan NAME",
    "timeline NAME",
    "rotate NAME --dry-run",
    "revoke 12345678 NAME --unknown --dry-run --reason x",
  ]) {
    expect([look, await call("refused", look)]).toEqual(
      [
        look,
        { code: 0, out: expect.stringContaining("refused") as string, err: expect.stringContaining(words) as string },
      ].map((one) =>
        look === "timeline NAME" && typeof one === "object" ? { ...one, out: expect.any(String) as string } : one,
      ),
    );
  }
  expect(await call("refused", "jwks NAME")).toMatchObject({
    code: 0,
    out: (await rotation.data("public"))["jwks.json"],
  });
  const rotate = await call("refused", "rotate NAME");
  expect(rotate).toMatchObject({ code: 0, err: expect.stringContaining("rotates when they are mended") as string });
  const revoke = await call("refused", `revoke ${activeKid} NAME --reason stolen --force --wait --timeout 1m`);
  expect(revoke).toMatchObject({ code: 0, out: expect.stringContaining("Revoked: ") as string });
  const after = await rotation.reaches("revoked", (now) => now.activeKid !== activeKid);
  expect(holds(after, "Stalled")).toBe(true);
});

it("a spec that can't be used, and no ring: the tools say both", async () => {
  startController(scene);
  const rotation = await makeRotation(namespace, "bare", { ...calm, rotation: { schedule: "0 3 31 2 *" } });
  await rotation.stalled("InvalidSpec");
  const status = await call("bare", "status NAME");
  expect(status).toMatchObject({ code: 0, out: expect.stringContaining(words) as string });
  expect((await call("bare", "plan NAME")).code).toBe(0);
});
