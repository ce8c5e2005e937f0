import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import {
  account,
  makeRotation,
  makeScene,
  quick,
  type RotationHandle,
  startController,
} from "../controller/support/scene.ts";
import { guardRings } from "../support/policies.ts";
import { makePodClient, makeServiceAccount } from "../support/roles.ts";
import { admin, makeNamespace } from "../support/scene.ts";

// Tools that copy Secrets and ConfigMaps (kubernetes-replicator, reflector) take labels along, and keep the copies in step.

const scene = await makeScene("source");
const target = await makeNamespace("copies");
await guardRings(target, account);
for (const namespace of [target, scene.namespace])
  await makeServiceAccount(namespace, "replicator", [
    { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["get", "create", "update", "patch", "delete"] },
  ]);
const replicators = {
  there: await makePodClient(target, "replicator-0", "replicator"),
  here: await makePodClient(scene.namespace, "replicator-0", "replicator"),
};

const projections = ["signer", "public"] as const;
let count = 0;
async function ready(): Promise<RotationHandle> {
  startController(scene);
  const rotation = await makeRotation(scene.namespace, `copied-${count++}`, quick);
  await rotation.ready();
  return rotation;
}

/** As the replicator would have it there: data and labels of the source. */
function copyOf({ apiVersion, kind, metadata, ...rest }: KubeObject, name: string): KubeObject {
  const { labels = {} } = metadata;
  return { apiVersion, kind, metadata: { name, labels }, data: rest["data"] };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

describe("a copy in another namespace, with our labels", () => {
  it.each(projections)("of the %s object is kept in step by the tool that made it, and taken away", async (role) => {
    const rotation = await ready();
    const path = rotation.objectPath(role).replace(scene.namespace, target);
    const { client } = replicators.there;
    const first = await admin.get(rotation.objectPath(role));
    await client.create(folderOf(path), copyOf(first, first.metadata.name));

    const { activeKid } = await rotation.status();
    await rotation.edit({ rotation: { interval: "0s", requestID: "one" } });
    await rotation.reaches("rotated", (status) => status.activeKid !== activeKid);
    const second = await admin.get(rotation.objectPath(role));
    expect(second["data"]).not.toEqual(first["data"]);
    const copy = await client.get(path);
    const replaced = await client.replace(path, { ...copyOf(second, copy.metadata.name), metadata: copy.metadata });
    expect(replaced["data"]).toEqual(second["data"]);
    expect(await client.merge(path, { metadata: { labels: { "keyturn.dev/object": null } } })).toBeDefined();
    await client.remove(path);
  });
});

describe("a copy in the same namespace, under a name that no object of ours has", () => {
  it("of the public object is its owner's", async () => {
    const rotation = await ready();
    const folder = folderOf(rotation.objectPath("public"));
    const { client } = replicators.here;
    await client.create(folder, copyOf(await admin.get(rotation.objectPath("public")), "jwks"));
    expect(await client.merge(`${folder}/jwks`, { data: { more: "x" } })).toMatchObject({ data: { more: "x" } });
  });
});

it("the objects themselves are nobody's but the controller's", async () => {
  const rotation = await ready();
  for (const role of ["ring", ...projections] as const) {
    const path = rotation.objectPath(role);
    for (const change of [
      { data: { more: "eA==" } },
      { metadata: { labels: { "keyturn.dev/namespace": "elsewhere" } } },
      { metadata: { labels: { "keyturn.dev/namespace": null } } },
      { data: { more: "eA==" }, metadata: { labels: { "keyturn.dev/namespace": "elsewhere" } } },
      { data: { more: "eA==" }, metadata: { labels: { "keyturn.dev/object": null } } },
    ])
      await expect(replicators.here.client.merge(path, change)).rejects.toMatchObject({ status: 403 });
  }
});
