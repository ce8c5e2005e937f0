import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { guardRings } from "../support/policies.ts";
import { grant, makePodClient, makeServiceAccount } from "../support/roles.ts";
import { admin, exists, makeNamespace, sees } from "../support/scene.ts";

const namespace = await makeNamespace("guarded");
const api = `/api/v1/namespaces/${namespace}`;
const editsSecrets = [
  { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["get", "create", "update", "patch"] },
];
await makeServiceAccount(namespace, "keyturn-controller", editsSecrets);
await makeServiceAccount(namespace, "editor", editsSecrets);
const controller = await makePodClient(namespace, "controller-0", "keyturn-controller");
const editor = await makePodClient(namespace, "editor-0", "editor");
await guardRings(namespace, "keyturn-controller");

const keyturn = (resource: string, verb: string) => ({
  apiGroups: ["keyturn.dev"],
  resources: [resource],
  verbs: [verb],
});
const reports = keyturn("jwtkeyrotations/status", "update");

const refusal = `must be changed by the Keyturn controller only (system:serviceaccount:${namespace}:keyturn-controller); change the JwtKeyRotation instead`;
const refused = { status: 403, message: expect.stringContaining(refusal) as string };

let count = 0;
const suffixes: Readonly<Record<string, string>> = { ring: "-ring", public: "-public", "set-aside": "-set-aside-0123" };
/** One of the three objects, made by whoever restores a backup of a version that did not say the namespace. */
async function makeObject(
  kind: "secrets" | "configmaps",
  role: string,
  metadata: object = {},
): Promise<[string, KubeObject]> {
  const name = `object-${count++}${suffixes[role] ?? ""}`;
  const labels = { "keyturn.dev/object": role, "keyturn.dev/rotation": "gateway", foreign: "yes" };
  const data = kind === "secrets" ? { "keyring.json": "e30=" } : { "keyring.json": "{}" };
  const made = await admin.create(`${api}/${kind}`, { metadata: { name, labels, ...metadata }, data });
  return [`${api}/${kind}/${name}`, made];
}

const objects = [
  ["ring", "secrets"],
  ["signer", "secrets"],
  ["public", "configmaps"],
] as const;

describe.each(objects)("the %s object", (role, kind) => {
  it("is changed by the controller", async () => {
    const [path, made] = await makeObject(kind, role);
    const changed = await controller.client.replace(path, { ...made, data: { "keyring.json": "e30K" } });
    expect(changed["data"]).toEqual({ "keyring.json": "e30K" });
  });

  it("is not changed by others who may change Secrets, neither whole nor in part", async () => {
    const [path, made] = await makeObject(kind, role);
    await expect(editor.client.replace(path, { ...made, data: {} })).rejects.toMatchObject(refused);
    await expect(editor.client.merge(path, { data: { "keyring.json": null } })).rejects.toMatchObject(refused);
    await expect(editor.client.merge(path, { data: { more: "e30=" } })).rejects.toMatchObject(refused);
    await expect(editor.client.merge(path, { immutable: true })).rejects.toMatchObject(refused);
  });

  it("is not changed by the administrator", async () => {
    const [path] = await makeObject(kind, role);
    await expect(admin.merge(path, { data: { more: "e30=" } })).rejects.toMatchObject(refused);
  });

  it("does not cease to be ours, or become another's, by somebody's labels", async () => {
    const [path] = await makeObject(kind, role);
    for (const labels of [
      { "keyturn.dev/object": null },
      { "keyturn.dev/object": "x" },
      { "keyturn.dev/rotation": "x" },
      { "keyturn.dev/namespace": "x" },
    ])
      await expect(editor.client.merge(path, { metadata: { labels } })).rejects.toMatchObject(refused);
  });

  it("gets labels, annotations and owners of others", async () => {
    const [path, made] = await makeObject(kind, role);
    const metadata = { labels: { foreign: "no" }, annotations: { note: "x" } };
    expect(await editor.client.merge(path, { metadata })).toMatchObject({ metadata, data: made["data"] });
  });

  it("is rewritten as it is, as for a new key of encryption at rest", async () => {
    const [path, made] = await makeObject(kind, role);
    expect((await editor.client.replace(path, made)).metadata.uid).toBe(made.metadata.uid);
  });

  it("is created and deleted as RBAC has it, so that a backup can be restored", async () => {
    const [path, made] = await makeObject(kind, role);
    await admin.remove(path);
    const { name, labels } = made.metadata;
    await editor.client.create(`${api}/${kind}`, { metadata: { name, labels }, data: made["data"] });
    expect(await exists(path)).toBe(true);
  });
});

describe("the policy", () => {
  it("lets nobody turn a Secret of others into one of ours", async () => {
    const { metadata } = await admin.create(`${api}/secrets`, { metadata: { name: "foreign" } });
    const labels = { "keyturn.dev/object": "signer", "keyturn.dev/rotation": "gateway" };
    const path = `${api}/secrets/${metadata.name}`;
    await expect(editor.client.merge(path, { metadata: { labels } })).rejects.toMatchObject(refused);
    expect(await controller.client.merge(path, { metadata: { labels } })).toMatchObject({ metadata: { labels } });
  });

  it("lets nobody do so by saying that it belongs elsewhere", async () => {
    const { metadata } = await admin.create(`${api}/secrets`, { metadata: { name: "stranger" } });
    const labels = { "keyturn.dev/object": "signer", "keyturn.dev/rotation": "gateway", "keyturn.dev/namespace": "x" };
    const path = `${api}/secrets/${metadata.name}`;
    await expect(editor.client.merge(path, { metadata: { labels } })).rejects.toMatchObject(refused);
  });

  it.each([
    ["in another namespace", "copy-ring", { "keyturn.dev/object": "ring", "keyturn.dev/namespace": "elsewhere" }],
    ["under a name that no ring has", "copy", { "keyturn.dev/object": "ring" }],
    ["under a name that nothing of ours has", "copy-public", { "keyturn.dev/object": "set-aside" }],
  ])("leaves a copy %s to who made it, but lets nobody make it ours", async (_, name, labels) => {
    const path = `${api}/secrets/${name}`;
    await admin.create(`${api}/secrets`, {
      metadata: { name, labels: { "keyturn.dev/rotation": "gateway", ...labels } },
    });
    expect(await editor.client.merge(path, { data: { a: "e30=" } })).toMatchObject({ data: { a: "e30=" } });
    const ours = { "keyturn.dev/object": "signer", "keyturn.dev/namespace": namespace };
    await expect(editor.client.merge(path, { metadata: { labels: ours } })).rejects.toMatchObject(refused);
  });

  it("guards what was set aside, too", async () => {
    const [path] = await makeObject("secrets", "set-aside");
    await expect(editor.client.merge(path, { data: { more: "e30=" } })).rejects.toMatchObject(refused);
  });

  it.each([
    ["who reports on rotations and can't change them, the controller of another installation", [reports], true],
    ["who may also update them, an administrator", [reports, keyturn("jwtkeyrotations", "update")], false],
    ["who may also patch them", [reports, keyturn("jwtkeyrotations", "patch")], false],
    ["who may do everything with them", [keyturn("*", "*")], false],
    ["who may change them and not report on them", [keyturn("jwtkeyrotations", "update")], false],
    ["who may patch their status alone", [keyturn("jwtkeyrotations/status", "patch")], false],
  ])("of %s", async (_, rules, may) => {
    const name = `other-${count}`;
    await makeServiceAccount(namespace, name, [...editsSecrets, ...rules]);
    const other = await makePodClient(namespace, `${name}-0`, name);
    const [path] = await makeObject("secrets", "ring");
    const change = other.client.merge(path, { data: { more: "e30=" } });
    if (may) expect(await change).toMatchObject({ data: { more: "e30=" } });
    else await expect(change).rejects.toMatchObject(refused);
  });

  it("does not take rights in another namespace for rights here", async () => {
    const elsewhere = await makeNamespace("elsewhere");
    const name = "stranger";
    await makeServiceAccount(namespace, name, editsSecrets);
    await grant(elsewhere, { role: name, rules: [reports], to: { namespace, name } });
    const stranger = await makePodClient(namespace, "stranger-0", name);
    const [path] = await makeObject("secrets", "ring");
    await expect(stranger.client.merge(path, { data: { more: "e30=" } })).rejects.toMatchObject(refused);
  });

  it("leaves Secrets of others alone", async () => {
    await admin.create(`${api}/secrets`, { metadata: { name: "other", labels: { "keyturn.dev/test": "x" } } });
    expect(await editor.client.merge(`${api}/secrets/other`, { data: { a: "e30=" } })).toMatchObject({
      data: { a: "e30=" },
    });
  });

  it("leaves other namespaces to their own", async () => {
    const other = await makeNamespace("unguarded");
    const labels = { "keyturn.dev/object": "ring" };
    await admin.create(`/api/v1/namespaces/${other}/secrets`, { metadata: { name: "ring", labels } });
    const path = `/api/v1/namespaces/${other}/secrets/ring`;
    expect(await admin.merge(path, { data: { a: "e30=" } })).toMatchObject({ data: { a: "e30=" } });
  });

  it("lets the garbage collector take an owner away, so that deletion without what is owned ends", async () => {
    const owner = await admin.create(`${api}/configmaps`, { metadata: { name: "owner" } });
    const { name, uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid }];
    const [path] = await makeObject("secrets", "ring", { ownerReferences });
    await admin.remove(`${api}/configmaps/owner`, { propagationPolicy: "Orphan" });
    const list = `${path.slice(0, path.lastIndexOf("/"))}?fieldSelector=metadata.name=${path.slice(path.lastIndexOf("/") + 1)}`;
    await sees(list, ({ metadata }) => metadata["ownerReferences"] === undefined);
  });

  it("has no expression that the server finds fault with", async () => {
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    for (const name of ["keyringacks.keyturn.dev", `ring-objects.${namespace}`]) {
      const checked = await sees(
        `${policies}?fieldSelector=metadata.name=${name}`,
        (policy) => "typeChecking" in Object(policy["status"]),
      );
      expect(checked["status"]).toMatchObject({ typeChecking: {} });
      expect((checked["status"] as { typeChecking: object }).typeChecking).toEqual({});
    }
  });
});
