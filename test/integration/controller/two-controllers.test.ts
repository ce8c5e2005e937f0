import { expect, it } from "vitest";
import type { CallReport } from "../../../src/kube/api-request.ts";
import { admin } from "../support/scene.ts";
import { holds, makeRotation, makeScene, quick, startController, type Status } from "./support/scene.ts";

const scene = await makeScene("two");
const longer = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };

/** The other controller that a report names. */
const rivalIn = ({ conditions }: Status): string | undefined => {
  const stalled = conditions.find(({ type, reason }) => type === "Stalled" && reason === "SeveralControllers");
  return /Lease "([^"]+)"/.exec(stalled?.message ?? "")?.[1];
};

it("two controllers of one rotation say so, each names the other, nothing breaks, and it is over when one has ended", async () => {
  let reports = 0;
  const onCall = ({ method, path }: CallReport): void => {
    if (method === "PUT" && path.endsWith("/status")) reports += 1;
  };
  const { namespace } = scene;
  const [first, second] = [{ namespace, name: "first" } as const, { namespace, name: "second" } as const];
  const nameOf = ({ name }: { readonly name: string }): string => `${namespace}/${name}`;
  startController(scene, { lease: first, onCall });
  const rotation = await makeRotation(scene.namespace, "both", longer);
  const { activeKid = "" } = await rotation.ready();

  const other = startController(scene, { lease: second, onCall });
  for (const [by, names] of [
    [first, second],
    [second, first],
  ] as const) {
    const what = `reported by ${nameOf(by)}, which names the other`;
    await rotation.reaches(what, (status) => status["lease"] === nameOf(by) && rivalIn(status) === nameOf(names));
  }
  expect(holds(await rotation.status(), "Ready")).toBe(false);

  await rotation.edit({ rotation: { interval: "0s", requestID: "while-there-are-two" } });
  const rotated = await rotation.reaches("rotated", (status) => status.activeKid !== activeKid);
  expect(rotated.keys).toContainEqual(expect.objectContaining({ kid: activeKid, state: "VerifyOnly" }));
  await rotation.edit({ revokedKids: [{ kid: rotated.activeKid }] });
  const after = await rotation.reaches("another signer", (status) => status.activeKid !== rotated.activeKid);
  expect(after.keys).toContainEqual(expect.objectContaining({ kid: activeKid, state: "VerifyOnly" }));

  await other.stop();
  const ready = await rotation.reaches("Ready again", (status) => holds(status, "Ready"), 120_000);
  expect(ready["lease"]).toBe(nameOf(first));
  // Each answers the other, neither at once
  expect(reports).toBeLessThan(200);
  await admin.remove(rotation.path);
});
