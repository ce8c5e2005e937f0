import { expect, test } from "vitest";
import { admin, sees, tokenFor } from "../support/scene.ts";
import { remove } from "../controller/support/objects.ts";
import {
  account,
  makeRotation,
  makeScene,
  quick,
  type RotationHandle,
  startController,
} from "../controller/support/scene.ts";
import { makeSidecarAccount, RealGateway } from "./support/real-gateway.ts";

const scene = await makeScene("lost-source");

/** So many that an unasked look comes in minutes: what mends within the patience of a test was told. */
const others = 200;

async function crowd(): Promise<void> {
  const names = Array.from({ length: others }, (_, i) => `other-${i}`);
  const made = await Promise.all(names.map((name) => makeRotation(scene.namespace, name, { ...quick, suspend: true })));
  // Each has had its pass: nothing is due any more
  for (const one of made) await one.reaches("Suspended", ({ conditions }) => conditions.length > 0);
}

/** What stands there after a loss is the loss, or what was written since. */
async function isWritten(rotation: RotationHandle): Promise<void> {
  const [folder = "", name = ""] = rotation.objectPath("signer").split(/\/(?=[^/]+$)/);
  await sees(`${folder}?fieldSelector=metadata.name=${name}`, ({ data }, type) => {
    return type !== "DELETED" && (data as Record<string, unknown> | undefined)?.["keyring.json"] !== undefined;
  });
}

const acksOf = ({ namespace }: RotationHandle, gateway: RealGateway): string =>
  `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks?fieldSelector=metadata.name=${gateway.uid}.lost`;

test("a signer Secret that is deleted or emptied while nothing is due is written anew at a gateway's word", async () => {
  const controller = startController(scene);
  await crowd();
  const rotation = await makeRotation(scene.namespace, "lost", {
    ...quick,
    tokens: { ...quick.tokens, maxTTL: "10m" },
  });
  await rotation.ready();
  await makeSidecarAccount(scene.namespace, "lost");
  const gateway = await RealGateway.start(rotation, "lost-a");
  await rotation.reaches("1/1", ({ gateways }) => gateways.summary === "1/1");
  const { kid } = await gateway.mint();
  const path = rotation.objectPath("signer");
  // Nobody else may change an object of ours
  const asController = admin.withToken(await tokenFor(scene.namespace, account));
  const empty = async (): Promise<unknown> => asController.replace(path, { ...(await admin.get(path)), data: {} });
  const deeds = controller.deeds.length;

  for (const lose of [() => remove(path), empty]) {
    // From before the loss on: what is mended soon must not be missed
    const acks = acksOf(rotation, gateway);
    const { metadata } = await admin.get<{ metadata: { resourceVersion: string } }>(acks);
    const said = sees(`${acks}&resourceVersion=${metadata.resourceVersion}`, ({ sourceUnfit }) => sourceUnfit === true);
    await lose();
    const token = await gateway.mint();
    expect(await gateway.verify(token)).toBe(200);
    await said;
    await isWritten(rotation);
    await sees(acks, ({ sourceUnfit }) => sourceUnfit === undefined);
  }
  asController.close();
  expect((await gateway.mint()).kid).toBe(kid);
  // Written again, and not rotated
  expect(controller.deeds.slice(deeds)).toEqual([]);
});
