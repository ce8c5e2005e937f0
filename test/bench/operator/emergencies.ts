import type { KubeClient, KubeObject } from "../../../hack/testcluster/client.ts";
import { timeOf } from "../times.ts";
import { type Contender, watchUntil } from "./contender.ts";
import { isPublished } from "./contenders.ts";

/** From a write to the resource to the moment at which another key signs, as the Secret's reader sees it, in milliseconds. */
async function untilAnotherSigns(
  admin: KubeClient,
  { namespace, folder }: Contender,
  { name, specFor }: { readonly name: string; readonly specFor: (kid: string) => object },
): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const before = kidIn(await admin.get(path));
  const query = `fieldSelector=metadata.name=${name}&timeoutSeconds=3600`;
  const watched = `/api/v1/namespaces/${namespace}/secrets?${query}`;
  const seen = watchUntil(admin, watched, (object) => kidIn(object) !== before);
  return timeOf(async () => {
    await admin.merge(`${folder}/${name}`, { spec: specFor(before) });
    await seen;
  });
}

/** In plain text. */
const kidIn = (object: KubeObject): string =>
  Buffer.from((object["data"] as { readonly kid?: string } | undefined)?.kid ?? "", "base64").toString();

/** A rotation is asked for. */
export const requestToActive = (admin: KubeClient, contender: Contender, name: string): Promise<number> =>
  untilAnotherSigns(admin, contender, { name, specFor: () => ({ rotation: { requestID: "bench" } }) });

/** The key that signs is revoked. */
export const revocationToActive = (admin: KubeClient, contender: Contender, name: string): Promise<number> =>
  untilAnotherSigns(admin, contender, {
    name,
    specFor: (kid) => ({ revokedKids: [{ kid, reason: "bench" }] }),
  });

/** Until the new standbys of so many rotations are published, and their old keys quiesced. */
export async function allHandled(admin: KubeClient, { folder }: Contender, count: number): Promise<void> {
  const done = new Set<string>();
  await watchUntil(admin, `${folder}?timeoutSeconds=3600`, (object) => {
    if (isPublished(object, 3)) done.add(object.metadata.name);
    return done.size >= count;
  });
}
