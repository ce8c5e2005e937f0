import { expect, inject, onTestFinished, test } from "vitest";
import { ClusterAcks } from "../../../src/holder/acks/cluster-acks.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import { transportTo } from "../../kube/support/clients.ts";
import { acknowledges } from "../support/acks.ts";
import { makeServiceAccount } from "../support/roles.ts";
import { admin, makeNamespace, makePod, tokenFor } from "../support/scene.ts";

const namespace = await makeNamespace("cluster-acks");
await makeServiceAccount(namespace, "gateway", acknowledges);
const { server, ca } = inject("cluster").connection;
const tls = { ...(ca !== undefined && { ca }) };

let pods = 0;
async function sink(as?: string) {
  const pod = await makePod(namespace, `gateway-${pods++}`, { serviceAccountName: "gateway" });
  const token = await tokenFor(namespace, "gateway", pod);
  const client = new KubeClient(transportTo(fixedEndpoint(server, { tls, token })));
  const { name, uid = "" } = pod.metadata;
  const open = () => new ClusterAcks(client, { namespace, name: as ?? name, uid }, "orders");
  return { acks: open(), open, path: `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks/${uid}.orders` };
}

const ack = { generation: 5, verifies: ["a", "b"], signs: "a" };

test("ClusterAcks writes again and again, and reads back what stands", async () => {
  const { acks } = await sink();
  expect(await acks.check()).toBeUndefined();
  await acks.write({ generation: 0, verifies: [] });
  await acks.write(ack);
  await acks.write({ ...ack, generation: 6 });
  expect(await acks.check()).toEqual({ ...ack, generation: 6 });
});

test("ClusterAcks writes over an ack that somebody changed or removed meanwhile", async () => {
  const { acks, path } = await sink();
  await acks.write(ack);
  await admin.merge(path, { metadata: { annotations: { a: "b" } } });
  await acks.write({ ...ack, generation: 6 });
  expect(await acks.check()).toMatchObject({ generation: 6 });
  await admin.remove(path);
  expect(await acks.check()).toBeUndefined();
  await acks.write({ ...ack, generation: 7 });
  await admin.remove(path);
  await acks.write({ ...ack, generation: 8 });
  expect(await acks.check()).toMatchObject({ generation: 8 });
});

test("ClusterAcks takes over the ack of the container before it in the same pod", async () => {
  const { acks, path } = await sink();
  await acks.write(ack);
  const { metadata } = await admin.get(path);
  const [, uid = ""] = /keyringacks\/(.*)\.orders$/.exec(path) ?? [];
  const name = metadata["ownerReferences"] as readonly { name: string }[];
  const pod = { metadata: { name: name[0]?.name ?? "", uid }, apiVersion: "v1", kind: "Pod" };
  const token = await tokenFor(namespace, "gateway", pod);
  const client = new KubeClient(transportTo(fixedEndpoint(server, { tls, token })));
  const next = new ClusterAcks(client, { namespace, name: pod.metadata.name, uid }, "orders");
  await next.write({ generation: 0, verifies: [] });
  expect(await next.check()).toEqual({ generation: 0, verifies: [] });
});

test("ClusterAcks hands on what the policy refuses: another pod's name", async () => {
  const { acks } = await sink("somebody-else");
  await expect(acks.write(ack)).rejects.toMatchObject({ status: 403 });
});

test("ClusterAcks tells when somebody changes or removes what it wrote, and not of its own writes", async () => {
  const { acks, open, path } = await sink();
  await acks.write(ack);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let tells = 0;
  let told = Promise.withResolvers<undefined>();
  const watching = acks.watch(stop.signal, () => {
    tells += 1;
    told.resolve(undefined);
  });
  const other = open();
  await other.check();
  await other.write({ ...ack, generation: 4 });
  await told.promise;
  told = Promise.withResolvers();
  await acks.write({ ...ack, generation: 6 });
  await admin.remove(path);
  await told.promise;
  expect(tells).toBe(2);
  stop.abort();
  await watching;
});
