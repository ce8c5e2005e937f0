import { publicObject, ringObject, signerObject } from "../../src/crypto/objects.ts";
import { generateKey } from "../../src/crypto/keypair.ts";
import type { KubeClient, KubeObject } from "../../hack/testcluster/client.ts";
import { fullRing } from "./full-ring.ts";

/** As many at a time as the controller works on. */
const workers = 4;

async function each(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: workers }, run));
}

const roles = ["secrets", "secrets", "configmaps"] as const;
const suffixes = ["-ring", "", "-public"] as const;

/** What a script does that knows nothing of rotation: two keys each, and three objects of the controller's size. */
export async function bareCreate(admin: KubeClient, namespace: string, count: number): Promise<void> {
  const { ring, materials } = await fullRing("ES256");
  const two = { ...ring, retiring: [] };
  const files = [ringObject(two, materials), signerObject(two, materials), publicObject(two, materials)];
  await each(count, async (index) => {
    await generateKey("ES256");
    await generateKey("ES256");
    for (const [i, plural] of roles.entries()) {
      const data = files[i] ?? {};
      const body = plural === "secrets" ? { stringData: data } : { data };
      await admin.create(`/api/v1/namespaces/${namespace}/${plural}`, {
        metadata: { name: `bare-${index}${suffixes[i]}` },
        ...body,
      });
    }
  });
}

export const bareRead = (admin: KubeClient, namespace: string, count: number): Promise<void> =>
  each(count, async (index) => {
    await readAll(admin, namespace, `bare-${index}`);
  });

async function readAll(
  admin: KubeClient,
  namespace: string,
  name: string,
): Promise<readonly (readonly [string, KubeObject])[]> {
  const all: (readonly [string, KubeObject])[] = [];
  for (const [i, plural] of roles.entries()) {
    const path = `/api/v1/namespaces/${namespace}/${plural}/${name}${suffixes[i]}`;
    all.push([path, await admin.get(path)]);
  }
  return all;
}

/** One key made, and each object read and written once. */
export async function bareRotation(admin: KubeClient, namespace: string, name: string): Promise<void> {
  await generateKey("ES256");
  for (const [path, object] of await readAll(admin, namespace, name)) {
    await admin.replace(path, {
      ...object,
      metadata: { ...object.metadata, annotations: { at: String(performance.now()) } },
    });
  }
}
