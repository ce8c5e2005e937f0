import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { admin, sees } from "../support/scene.ts";
import { remove } from "./support/objects.ts";
import { makeRotation, makeScene, quick, type RotationHandle, startController, type Status } from "./support/scene.ts";

const scene = await makeScene("one-object");

const soon = { timeout: 120_000, interval: 50 };
const silent = { deed: () => undefined, problem: () => undefined, info: () => undefined };
const never = { rotation: { interval: "0s" }, propagation: { minimum: "0s" } };

interface Document {
  readonly keys: readonly { readonly kid: string }[];
  readonly revoked: readonly { readonly kid: string }[];
}

/** The kids that an object of the rotation holds. */
async function kidsIn(rotation: RotationHandle, role: "ring" | "signer" | "public"): Promise<readonly string[]> {
  const { "keyring.json": text = "{}" } = await rotation.data(role);
  return (JSON.parse(text) as Document).keys.map(({ kid }) => kid);
}

/** Refuses every write of objects with that name, until the end of the test or until it is lifted. */
async function refuse(rotation: RotationHandle, role: "ring" | "signer" | "public"): Promise<() => Promise<void>> {
  const folder = "/apis/admissionregistration.k8s.io/v1";
  const object = rotation.objectPath(role).split("/").at(-1) ?? "";
  const name = `refuse-${object}.${scene.namespace}`;
  const [policy, binding] = [`${folder}/validatingadmissionpolicies`, `${folder}/validatingadmissionpolicybindings`];
  await admin.create(policy, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["secrets", "configmaps"] },
        ],
      },
      validations: [{ expression: `object.metadata.name != "${object}"`, message: "not today" }],
    },
  });
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": scene.namespace } };
  await admin.create(binding, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"], matchResources: { namespaceSelector } },
  });
  const lift = async (): Promise<void> => {
    await remove(`${binding}/${name}`);
    await remove(`${policy}/${name}`);
  };
  onTestFinished(lift);
  const label = () =>
    admin.request("PATCH", `${rotation.objectPath(role)}?dryRun=All`, {
      body: { metadata: { labels: { a: "b" } } },
      as: "merge",
    });
  await vi.waitFor(
    () => expect(label()).rejects.toMatchObject({ message: expect.stringContaining("not today") as string }),
    soon,
  );
  return lift;
}

describe("a revocation, while one of the three objects is in trouble,", () => {
  it("takes the key from the signer Secret although the public ConfigMap is somebody else's", async () => {
    startController(scene);
    const rotation = await makeRotation(scene.namespace, "foreign-public", { ...quick, ...never });
    const { activeKid = "" } = await rotation.ready();
    const path = rotation.objectPath("public");
    const metadata = { name: path.split("/").at(-1) };
    const foreign = { metadata, data: { "index.html": "mine" } };
    await vi.waitFor(async () => {
      await remove(path);
      await admin.create(path.slice(0, path.lastIndexOf("/")), foreign);
    }, soon);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await vi.waitFor(async () => expect(await kidsIn(rotation, "signer")).not.toContain(activeKid), soon);
    const stalled = await rotation.stalled("SecretConflict");
    expect(stalled).toMatchObject({ activeKid: expect.not.stringMatching(activeKid) as string });
    expect(await admin.get<KubeObject & { data: object }>(path)).toMatchObject({ data: { "index.html": "mine" } });
    await admin.remove(rotation.path);
  });

  it.each(["public", "signer"] as const)("reaches the other where the write of %s is refused", async (role) => {
    startController(scene);
    const rotation = await makeRotation(scene.namespace, `refused-${role}`, { ...quick, ...never });
    const { activeKid = "" } = await rotation.ready();
    const lift = await refuse(rotation, role);
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    const other = role === "public" ? "signer" : "public";
    await vi.waitFor(async () => expect(await kidsIn(rotation, other)).not.toContain(activeKid), soon);
    const stalled = await rotation.stalled("ApiRefused");
    const [name = ""] = rotation.objectPath(role).split("/").slice(-1);
    expect(stalled.conditions.find(({ type }) => type === "Ready")?.message).toContain(name);
    // What is known of the ring is said all the same
    expect(stalled).toMatchObject({ revocations: [{ kid: activeKid }] });
    await lift();
    await vi.waitFor(async () => expect(await kidsIn(rotation, role)).not.toContain(activeKid), soon);
    await rotation.ready();
    await admin.remove(rotation.path);
  });

  it("is said to be pending by condition, event and metric, until it is carried out", async () => {
    const listening = Promise.withResolvers<number>();
    const retriesMs: number[] = [];
    const log = { ...silent, failure: (_: string, __: unknown, afterMs: number) => void retriesMs.push(afterMs) };
    startController(scene, { admin: { host: "127.0.0.1", port: 0 }, onListening: listening.resolve, log });
    const port = await listening.promise;
    const rotation = await makeRotation(scene.namespace, "pending", { ...quick, ...never });
    const { activeKid = "" } = await rotation.ready();
    const metric = async (): Promise<string | undefined> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return /^keyturn_revocation_pending\{[^}]*name="pending"[^}]*\} (\d)/m.exec(text)?.[1];
    };
    const isTold = (reason: string) =>
      sees(`/apis/events.k8s.io/v1/namespaces/${scene.namespace}/events`, (event) => {
        return event["reason"] === reason && (event["regarding"] as { name: string }).name === "pending";
      });
    const isPending = ({ conditions }: Status): boolean => conditions.some(({ type }) => type === "RevocationPending");
    expect(await metric()).toBe("0");
    const lift = await refuse(rotation, "signer");
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    const { conditions } = await rotation.reaches("RevocationPending", isPending);
    const { message } = conditions.find(({ type }) => type === "RevocationPending") ?? {};
    expect(message).toContain(`key ${activeKid.slice(0, 8)}… is still in the signer object`);
    expect(await isTold("RevocationPending")).toMatchObject({ type: "Warning", note: message });
    expect(await metric()).toBe("1");
    // From the first, not only once it is said
    await vi.waitFor(() => expect(retriesMs.length).toBeGreaterThan(5), soon);
    expect(Math.max(...retriesMs)).toBeLessThanOrEqual(5000);
    await lift();
    await rotation.reaches("carried out", (status) => !isPending(status));
    await isTold("RevocationCarriedOut");
    expect(await metric()).toBe("0");
    await admin.remove(rotation.path);
  });

  it("is said not to be carried out where the write of the ring is refused, and the rest is looked after", async () => {
    startController(scene);
    const rotation = await makeRotation(scene.namespace, "refused-ring", { ...quick, ...never });
    const { activeKid = "" } = await rotation.ready();
    const lift = await refuse(rotation, "ring");
    await remove(rotation.objectPath("signer"));
    await rotation.edit({ revokedKids: [{ kid: activeKid }] });
    await rotation.stalled("ApiRefused");
    expect(await kidsIn(rotation, "signer")).toContain(activeKid);
    await lift();
    await vi.waitFor(async () => expect(await kidsIn(rotation, "signer")).not.toContain(activeKid), soon);
    await rotation.ready();
    await admin.remove(rotation.path);
  });
});
