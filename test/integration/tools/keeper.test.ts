import { expect, it } from "vitest";
import { makeRotation, makeScene, quick, type RotationHandle, startController } from "../controller/support/scene.ts";
import { admin } from "../support/scene.ts";
import { administrator, looks, makePerson } from "./support/person.ts";

const scene = await makeScene("keeper");
const { namespace } = scene;
const calm = { ...quick, tokens: { ...quick.tokens, maxTTL: "10m" } };
const lease = { namespace, name: "keyturn-controller" };
const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${lease.name}`;

async function settled(name: string): Promise<RotationHandle> {
  const rotation = await makeRotation(namespace, name, calm);
  await rotation.ready();
  return rotation;
}

const status = async (name: string): Promise<string> =>
  (await administrator.keyturn(`status ${name} -n ${namespace}`)).out;

it("names the controller that holds the Lease, without being told which Lease", async () => {
  startController(scene, { lease, identity: "keyturn-controller-abc_1" });
  await settled("kept");
  expect(await status("kept")).toMatch(/^ Kept by +controller keyturn-controller-abc$/m);
});

it("says that nobody carries it out once the controller is gone, in a status that is Ready, and to who asks for something", async () => {
  const controller = startController(scene, { lease, identity: "keyturn-controller-abc_2" });
  const { activeKid = "" } = await (await settled("left")).ready();
  await controller.stop();
  // As if that had been an hour ago
  await admin.merge(path, { spec: { renewTime: "2026-01-01T00:00:00.000000Z" } });
  const text = await status("left");
  expect(text).toContain(" + Ready ");
  expect(text).toMatch(
    new RegExp(`X Neglected +nobody carries it out: no controller holds the Lease ${namespace}/keyturn`),
  );
  const asked = await administrator.keyturn(`revoke ${activeKid} left --reason stolen -n ${namespace}`);
  expect(asked).toMatchObject({ code: 0 });
  expect(asked.err).toContain("keyturn: warning: nobody carries it out: no controller holds the Lease");
  const waited = administrator.start(`wait left --for=step=revoke -n ${namespace}`);
  await waited.says("nobody carries it out");
  startController(scene, { lease, identity: "keyturn-controller-abc_3" });
  expect(await waited.ended).toMatchObject({ code: 0 });
});

it("says that it can't be told to who may not read the Lease, or where the controller holds none", async () => {
  const controller = startController(scene, { lease, identity: "keyturn-controller-abc_4" });
  await settled("unseen");
  const onlooker = await makePerson(namespace, "onlooker", looks);
  const { out, err } = await onlooker.keyturn(`status unseen -n ${namespace}`);
  expect(out).toMatch(
    new RegExp(
      `^ Kept by +can't be told: the Lease ${namespace}/keyturn-controller of the controller may not be read`,
      "m",
    ),
  );
  expect(out).not.toContain("Neglected");
  expect(err).toBe("");
  await controller.stop();
  startController(scene);
  const rotation = await settled("alone");
  await rotation.ready();
  expect(await status("alone")).toMatch(/^ Kept by +can't be told: the controller that reported last holds no Lease$/m);
});
