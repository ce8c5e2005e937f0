import { publicObject, ringObject, signerObject } from "../../../src/crypto/objects.ts";
import { generateKey } from "../../../src/crypto/keypair.ts";
import type { KubeClient } from "../../../hack/testcluster/client.ts";
import { fullRing } from "../full-ring.ts";

const objects = [
  { plural: "secrets", suffix: "-ring" },
  { plural: "secrets", suffix: "" },
  { plural: "configmaps", suffix: "-public" },
] as const;

const pathOf = (namespace: string, { plural, suffix }: (typeof objects)[number]): string =>
  `/api/v1/namespaces/${namespace}/${plural}/bare${suffix}`;

/** Three objects of the controller's size, which nobody looks after. */
export async function makeBare(admin: KubeClient, namespace: string): Promise<void> {
  const { ring, materials } = await fullRing("ES256");
  const two = { ...ring, retiring: [] };
  const files = [ringObject(two, materials), signerObject(two, materials), publicObject(two, materials)];
  for (const [i, { plural, suffix }] of objects.entries()) {
    const data = files[i] ?? {};
    const body = plural === "secrets" ? { stringData: data } : { data };
    await admin.create(`/api/v1/namespaces/${namespace}/${plural}`, { metadata: { name: `bare${suffix}` }, ...body });
  }
}

/** What a script does that knows nothing of rotation: one key made, and each object read and written once. */
export async function bareRotation(admin: KubeClient, namespace: string): Promise<void> {
  await generateKey("ES256");
  for (const one of objects) {
    const path = pathOf(namespace, one);
    const object = await admin.get(path);
    const metadata = { ...object.metadata, annotations: { at: String(performance.now()) } };
    await admin.replace(path, { ...object, metadata });
  }
}
