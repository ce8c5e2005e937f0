import { describe, expect, inject, it, vi } from "vitest";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { acknowledges, ackOf } from "../support/acks.ts";
import { grant, makePodClient, makeServiceAccount } from "../support/roles.ts";
import { admin, exists, gone, makeNamespace, tokenFor } from "../support/scene.ts";

const namespace = await makeNamespace("acks");
const acks = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
await makeServiceAccount(namespace, "gateway", acknowledges);
const one = await makePodClient(namespace, "gateway-1", "gateway");
const two = await makePodClient(namespace, "gateway-2", "gateway");
const elsewhere = await makeNamespace("elsewhere");

/** The server learns of a policy a moment after it is stored. */
await vi.waitFor(
  () => expect(admin.create(`${acks}?dryRun=All`, ackOf(one, "ready"))).rejects.toMatchObject({ status: 403 }),
  { timeout: 120_000, interval: 50 },
);

const refused = (words: string) => ({ status: 403, message: expect.stringContaining(words) as string });
const name = (object: object) => (object as KubeObject).metadata.name;
const withMetadata = (ack: object, metadata: object): object => ({
  ...ack,
  metadata: { ...(ack as KubeObject).metadata, ...metadata },
});

describe("a gateway pod", () => {
  it("acknowledges for itself, again and again", async () => {
    const made = await one.client.create(acks, ackOf(one, "rotation"));
    const next = { ...made, generation: 1_790_000_000, verifies: ["a", "b"], signs: "a" };
    const written = await one.client.replace(`${acks}/${made.metadata.name}`, next);
    expect(written).toMatchObject({ generation: 1_790_000_000, verifies: ["a", "b"], signs: "a" });
  });

  it("acknowledges several rotations", async () => {
    for (const rotation of ["first", "second.with.dots"]) await one.client.create(acks, ackOf(one, rotation));
  });

  it("acknowledges for no other pod", async () => {
    await expect(one.client.create(acks, ackOf(two, "rotation"))).rejects.toMatchObject(
      refused(`metadata.name: must be ${one.uid}.rotation, the pod that writes it and the rotation`),
    );
  });

  it("does not change what another pod acknowledged", async () => {
    const made = await two.client.create(acks, ackOf(two, "unchanged"));
    for (const change of [{ generation: 9 }, { verifies: ["a"] }, { signs: "a" }, { podName: one.name }])
      await expect(one.client.replace(`${acks}/${made.metadata.name}`, { ...made, ...change })).rejects.toMatchObject({
        status: 403,
      });
  });

  it.each<[string, (ack: object) => object, string]>([
    ["by another name", (ack) => withMetadata(ack, { name: `x${name(ack)}` }), "metadata.name: must be"],
    [
      "in the name of a pod that it is not",
      (ack) => ({ ...ack, podName: "gateway-2" }),
      "podName: must be gateway-1, the pod that writes it",
    ],
    [
      "without the label",
      (ack) => withMetadata(ack, { labels: {} }),
      "metadata.labels[keyturn.dev/rotation]: must be wrong",
    ],
    [
      "with no labels",
      (ack) => withMetadata(ack, { labels: undefined }),
      "metadata.labels[keyturn.dev/rotation]: must be wrong",
    ],
    [
      "with the label of another rotation",
      (ack) => withMetadata(ack, { labels: { "keyturn.dev/rotation": "x" } }),
      "metadata.labels[keyturn.dev/rotation]: must be wrong",
    ],
    [
      "without its pod as owner",
      (ack) => withMetadata(ack, { ownerReferences: undefined }),
      "metadata.ownerReferences: must be the pod that writes it, alone",
    ],
    [
      "with another pod as owner",
      (ack) =>
        withMetadata(ack, { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "gateway-2", uid: two.uid }] }),
      "metadata.ownerReferences: must be the pod that writes it, alone",
    ],
    [
      "with two owners, of which one may live on",
      (ack) =>
        withMetadata(ack, {
          ownerReferences: [one, two].map((pod) => ({ apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid })),
        }),
      "metadata.ownerReferences: must be the pod that writes it, alone",
    ],
    [
      "with an owner that is no pod",
      (ack) =>
        withMetadata(ack, {
          ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "x", uid: one.uid }],
        }),
      "metadata.ownerReferences: must be the pod that writes it, alone",
    ],
  ])("acknowledges nothing %s", async (_, change, words) => {
    await expect(one.client.create(acks, change(ackOf(one, "wrong")))).rejects.toMatchObject(refused(words));
  });

  it("takes neither label nor statement out of what it acknowledged", async () => {
    const made = await one.client.create(acks, ackOf(one, "kept", { signs: "a", generation: 5 }));
    const path = `${acks}/${made.metadata.name}`;
    await expect(one.client.replace(path, withMetadata(made, { labels: {} }))).rejects.toMatchObject({ status: 403 });
    expect(await one.client.replace(path, { ...made, signs: undefined })).not.toHaveProperty("signs");
  });

  it("acknowledges in no other namespace, whatever its role there", async () => {
    const there = `/apis/keyturn.dev/v1alpha1/namespaces/${elsewhere}/keyringacks`;
    await grant(elsewhere, { role: "guest", rules: acknowledges, to: { namespace, name: "gateway" } });
    await expect(one.client.create(there, ackOf(one, "rotation"))).rejects.toMatchObject(
      refused("must be in the namespace of the pod that writes it"),
    );
  });
});

describe("nobody else acknowledges for a pod:", () => {
  const words = "must be written by a pod, with a token that is bound to it";

  it("not the administrator", async () => {
    await expect(admin.create(acks, ackOf(one, "forged"))).rejects.toMatchObject(refused(words));
  });

  it("not its service account with a token that is bound to no pod", async () => {
    const unbound = admin.withToken(await tokenFor(namespace, "gateway"));
    await expect(unbound.create(acks, ackOf(one, "forged"))).rejects.toMatchObject(refused(words));
    unbound.close();
  });
});

describe("what states nothing new", () => {
  it("may be written by others: an annotation", async () => {
    const made = await one.client.create(acks, ackOf(one, "annotated"));
    const annotations = { note: "x" };
    expect(await admin.merge(`${acks}/${made.metadata.name}`, { metadata: { annotations } })).toMatchObject({
      metadata: { annotations },
    });
  });

  it("is removed with the pod, whoever deletes it", async (context) => {
    if (!inject("cluster").hasControllers) context.skip("no kube-controller-manager, which collects garbage");
    const short = await makePodClient(namespace, "short-lived", "gateway");
    const made = await short.client.create(acks, ackOf(short, "rotation"));
    await admin.remove(`/api/v1/namespaces/${namespace}/pods/short-lived`, { gracePeriodSeconds: 0 });
    await gone(`${acks}/${made.metadata.name}`);
  });

  it("stays when the pod is deleted without what it owns, which the policy does not hold up", async (context) => {
    if (!inject("cluster").hasControllers) context.skip("no kube-controller-manager, which collects garbage");
    const pod = await makePodClient(namespace, "orphaning", "gateway");
    const made = await pod.client.create(acks, ackOf(pod, "rotation"));
    await admin.remove(`/api/v1/namespaces/${namespace}/pods/orphaning`, {
      propagationPolicy: "Orphan",
      gracePeriodSeconds: 0,
    });
    await gone(`/api/v1/namespaces/${namespace}/pods/orphaning`);
    expect(await exists(`${acks}/${made.metadata.name}`)).toBe(true);
  });
});
