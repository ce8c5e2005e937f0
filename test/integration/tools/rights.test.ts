import { expect, it } from "vitest";
import { backUp, damage } from "../controller/support/objects.ts";
import {
  makeRotation,
  makeScene,
  quick,
  type RotationHandle,
  startController,
  type Status,
} from "../controller/support/scene.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { admin } from "../support/scene.ts";
import { homeOf } from "./support/home.ts";
import { administrator, edits, looks, makePerson } from "./support/person.ts";

const scene = await makeScene("rights");
const { namespace } = scene;
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
/** May read no Secret. */
const onlooker = await makePerson(namespace, "onlooker", looks);
const editor = await makePerson(namespace, "editor", [...looks, ...edits]);

const presumes = (name: string): string =>
  `secrets "${namespace}/${name}" and secrets "${namespace}/${name}-ring" may not be read here`;

async function settled(name: string): Promise<RotationHandle> {
  const rotation = await makeRotation(namespace, name, calm);
  await rotation.ready();
  return rotation;
}

it("who may read no Secret sees the same status, plan and timeline, and is told what is presumed", async () => {
  startController(scene);
  const rotation = await settled("look");
  await editor.keyturn(`rotate look -n ${namespace} --wait --timeout 1m`);
  const isQuiesced = (key: Status["keys"][number]): boolean => key.state !== "VerifyOnly" || "quiescedTime" in key;
  await rotation.reaches("handed over", ({ keys }) => keys.length === 3 && keys.every(isQuiesced));
  await rotation.ready();
  for (const args of ["status look -o json", "plan look -o json"]) {
    const theirs = await onlooker.keyturn(`${args} -n ${namespace}`);
    const ours = await administrator.keyturn(`${args} -n ${namespace}`);
    expect(theirs.code).toBe(0);
    const timeless = (text: string): string => text.replaceAll(/"(time|at|nowTime)": "[^"]+"/g, "");
    expect(timeless(theirs.out)).toBe(timeless(ours.out));
    expect(theirs.err).toContain(presumes("look"));
    expect(ours.err).toBe("");
  }
  const text = await onlooker.keyturn(`status look -n ${namespace}`);
  expect(text.out).toContain(presumes("look"));
  expect(await onlooker.keyturn(`timeline look -n ${namespace}`)).toMatchObject({ code: 0 });
  expect(await onlooker.keyturn(`wait look -n ${namespace} --for=Ready --timeout 1m`)).toMatchObject({ code: 0 });
});

it("an onlooker can neither mint nor change, and is told what it would take", async () => {
  startController(scene);
  await settled("hands-off");
  const mint = await onlooker.keyturn(`token mint hands-off --sub a -n ${namespace}`);
  expect(mint).toMatchObject({ code: 1, out: "" });
  expect(mint.err).toContain(`must be allowed to get secrets in namespace "${namespace}"`);
  const rotate = await onlooker.keyturn(`rotate hands-off -n ${namespace}`);
  expect(rotate.code).toBe(1);
  expect(rotate.err).toContain("must be allowed to patch jwtkeyrotations.keyturn.dev");
  // Without what gates the barriers, nothing could be said of them
  const less = await makePerson(namespace, "less", looks.slice(0, 1));
  expect((await less.keyturn(`status hands-off -n ${namespace}`)).err).toContain("must be allowed to get configmaps");
});

it("who may change the resource alone rotates, rolls back and revokes, to the end", async () => {
  startController(scene);
  const rotation = await settled("act");
  const first = await rotation.ready();
  const act = (args: string) => editor.keyturn(`${args} -n ${namespace} --wait --timeout 1m`);
  expect(await act("rotate act")).toMatchObject({ code: 0 });
  expect(await act("rollback act")).toMatchObject({ code: 0 });
  expect((await rotation.ready()).activeKid).toBe(first.activeKid);
  expect(await act(`revoke ${first.activeKid ?? ""} act --reason stolen`)).toMatchObject({ code: 0 });
  expect((await rotation.ready()).activeKid).not.toBe(first.activeKid);
});

it("what the controller found in a Secret, an onlooker is told, and an editor can have it recovered", async () => {
  const controller = startController(scene);
  const rotation = await settled("damaged");
  const backup = await backUp(rotation);
  await controller.stop();
  await damage(rotation, { role: "ring", how: "corrupt", backup });
  startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await rotation.stalled("RingUnreadable");

  const ours = await administrator.keyturn(`status damaged -n ${namespace} -o json`);
  const theirs = await onlooker.keyturn(`status damaged -n ${namespace} -o json`);
  const conditions = (text: string): unknown =>
    (JSON.parse(text) as { status: Record<string, unknown> }).status["conditions"];
  expect(conditions(theirs.out)).toEqual(conditions(ours.out));
  // As data: no word of the condition is read
  const { objects } = await rotation.status();
  expect(objects).toEqual([{ object: "ring", problem: "Unreadable", message: expect.any(String) as unknown }]);
  expect(await onlooker.keyturn(`wait damaged -n ${namespace} --for=Ready --timeout 1ms`)).toMatchObject({ code: 4 });

  const recovered = await editor.keyturn(`recover damaged -n ${namespace} --wait --timeout 1m`);
  expect(recovered).toMatchObject({ code: 0 });
  await rotation.ready();
});

it("that no controller has reported yet, or what it reports and no Secret shows, everybody is told", async () => {
  const rotation = await makeRotation(namespace, "unseen", calm);
  const note = async (): Promise<string | undefined> => {
    const { out } = await administrator.keyturn(`status unseen -n ${namespace}`);
    return out.split("\n").find((text) => text.includes(" Note "));
  };
  expect(await note()).toContain("no controller has reported on it yet");
  const stall = async (reason: string, message: string): Promise<void> => {
    const condition = { type: "Stalled", status: "True", reason, message, lastTransitionTime: "2026-11-21T10:00:00Z" };
    await admin.merge(`${rotation.path}/status`, {
      status: { observedGeneration: 1, conditions: [condition], keys: [] },
    });
  };
  await stall("ApiRefused", "a quota is in the way");
  expect(await note()).toContain("the controller reports that it is stalled, ApiRefused: a quota is in the way");
  await stall("SeveralControllers", "there is another");
  const { out } = await administrator.keyturn(`status unseen -n ${namespace}`);
  expect(out).toMatch(/Not ready +there is another$/m);
  expect(out).not.toContain(" Note ");
  startController(scene);
  await rotation.annotate({ "example.com/look": "1" });
  await rotation.ready();
  expect(await note()).toBeUndefined();
});

it.each([
  [7200, "ahead"],
  [-7200, "behind"],
])("a clock that is off by %i s stops no look, and is told as %s", async (aheadSeconds, way) => {
  startController(scene);
  const name = `clock-${way}`;
  await settled(name);
  const clock = { ...systemClock, nowMs: () => Date.now() + aheadSeconds * 1000 };
  const home = homeOf(namespace, name, { clock });
  const { found, clockTrusted } = await home.observe();
  expect(clockTrusted).toBe(true);
  expect(Math.abs(found.nowMs - Date.now())).toBeLessThan(60_000);
  expect(home.remarks?.()).toEqual([
    expect.stringMatching(new RegExp(`clock is 7[12]\\d\\d s ${way}: the API server's counts`)),
  ]);
  const right = homeOf(namespace, name);
  await right.observe();
  expect(right.remarks?.()).toEqual([]);
});

it("that the controller's clock is wrong, the controller says", async () => {
  const rotation = await makeRotation(namespace, "skewed", calm);
  const controller = startController(scene);
  await rotation.ready();
  await controller.stop();
  const { conditions } = await rotation.status();
  const stalled = { type: "Stalled", status: "True", reason: "ClockSkew", message: "x" };
  const status = { conditions: [...conditions, { ...stalled, lastTransitionTime: "2026-11-21T10:00:00Z" }] };
  await admin.merge(`${rotation.path}/status`, { status });
  const { out } = await onlooker.keyturn(`status skewed -n ${namespace}`);
  expect(out).toContain("the clock is not to be trusted");
});
