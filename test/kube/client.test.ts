import { expect, test } from "vitest";
import { asObject } from "../../src/kube/object.ts";
import { configMaps, objectPath, type Resource, secrets } from "../../src/kube/resource.ts";
import { clientTo } from "./support/clients.ts";
import { json, scriptServer, status } from "./support/script-server.ts";

const ref = { namespace: "a", name: "b" };
const stored = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...ref, resourceVersion: "5" }, unknown: { x: 1 } };
const nodes: Resource = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };
const page = (names: readonly string[], more?: string): object => ({
  kind: "ConfigMapList",
  metadata: { resourceVersion: "9", ...(more !== undefined && { continue: more }) },
  items: names.map((name) => ({ metadata: { namespace: "a", name } })),
});

test("KubeClient.get returns the whole object, frozen, with the fields that nobody knows", async () => {
  const { server } = await scriptServer([json(200, stored)]);
  const object = await clientTo(server).get(configMaps, ref);
  expect(object).toEqual(stored);
  expect([object, object.metadata, object["unknown"]].every(Object.isFrozen)).toBe(true);
});

test.each([
  ["of another name", { ...stored, metadata: { ...ref, name: "c" } }],
  ["of another kind", { ...stored, kind: "Secret" }],
  ["that is no object", { kind: "ConfigMap" }],
  ["that is a list", [stored]],
])("KubeClient.get refuses an answer %s", async (_, body) => {
  const { server } = await scriptServer([json(200, body)]);
  await expect(clientTo(server).get(configMaps, ref)).rejects.toMatchObject({ code: "BadAnswer" });
});

test("KubeClient.find is undefined for the object that the server says is not there", async () => {
  const { server } = await scriptServer([status(404, "NotFound", { details: { name: "b", kind: "configmaps" } })]);
  expect(await clientTo(server).find(configMaps, ref)).toBeUndefined();
});

test.each([
  ["a path that the server does not know", status(404, "NotFound", { details: {} })],
  ["another object", status(404, "NotFound", { details: { name: "c" } })],
  ["a proxy that knows nothing", json(404, "404 page not found")],
  ["a proxy with a page of its own", json(404, { reason: "NotFound", details: { name: "b" } })],
  ["missing rights", status(403, "Forbidden", { details: { name: "b" } })],
])("KubeClient.find is an error for %s, never absence", async (_, reply) => {
  const { server } = await scriptServer([reply]);
  await expect(clientTo(server).find(configMaps, ref)).rejects.toMatchObject({ name: "ApiError" });
});

test("KubeClient.list reads page after page, and fills in what items leave out", async () => {
  const { server, calls } = await scriptServer([page(["x", "y"], "t/1"), page(["z"])].map((body) => json(200, body)));
  const { items, resourceVersion } = await clientTo(server).list(configMaps, { namespace: "a", labelSelector: "k=v" });
  expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "ConfigMap x",
    "ConfigMap y",
    "ConfigMap z",
  ]);
  expect(resourceVersion).toBe("9");
  expect(calls.map(({ url }) => url.pathname + url.search)).toEqual([
    "/api/v1/namespaces/a/configmaps?labelSelector=k%3Dv&limit=500",
    "/api/v1/namespaces/a/configmaps?labelSelector=k%3Dv&limit=500&continue=t%2F1",
  ]);
});

test("KubeClient.list begins again, all at once, when a page's state is gone", async () => {
  const replies = [json(200, page(["x"], "t")), status(410, "Expired"), json(200, page(["x", "y"]))];
  const { server, calls } = await scriptServer(replies);
  const { items } = await clientTo(server).list(configMaps, { namespace: "a" });
  expect(items).toHaveLength(2);
  expect(calls[2]?.url.search).toBe("");
});

test.each([
  ["of another kind", { ...page([]), kind: "SecretList" }],
  ["without a resourceVersion", { ...page([]), metadata: {} }],
  ["with an item that is no object", { ...page([]), items: [{}] }],
])("KubeClient.list refuses a list %s", async (_, body) => {
  const { server } = await scriptServer([json(200, body)]);
  await expect(clientTo(server).list(configMaps)).rejects.toMatchObject({ code: "BadAnswer" });
});

test("KubeClient writes to the paths of the API", async () => {
  const { server, calls } = await scriptServer([json(200, stored)]);
  const client = clientTo(server);
  const object = asObject(stored) ?? expect.fail();
  await client.create(configMaps, { metadata: ref });
  await client.update(configMaps, object);
  await client.updateStatus(configMaps, object, { fieldManager: "m" });
  await client.merge(configMaps, { ref, body: { data: null } });
  expect(calls.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
    "POST /api/v1/namespaces/a/configmaps",
    "PUT /api/v1/namespaces/a/configmaps/b",
    "PUT /api/v1/namespaces/a/configmaps/b/status?fieldManager=m",
    "PATCH /api/v1/namespaces/a/configmaps/b",
  ]);
  expect(calls.map(({ headers }) => headers["content-type"])).toEqual([
    "application/json",
    "application/json",
    "application/json",
    "application/merge-patch+json",
  ]);
  expect(JSON.parse(calls[1]?.body ?? "")).toEqual(stored);
});

test("KubeClient.update sends nothing without a resourceVersion, which would go over any other write", async () => {
  const { server, calls } = await scriptServer([json(200, stored)]);
  const object = { ...stored, metadata: ref };
  await expect(clientTo(server).update(configMaps, object)).rejects.toThrow(
    'Cannot update configmaps "a/b": must have a resourceVersion',
  );
  expect(calls).toEqual([]);
});

test("KubeClient says what it could not do, and to what", async () => {
  const { server } = await scriptServer([status(403, "Forbidden")]);
  await expect(clientTo(server).get(secrets, ref)).rejects.toThrow(/^Cannot get secrets "a\/b": /);
});

test.each(["", ".", ".."])("objectPath refuses the name %j", (name) => {
  expect(() => objectPath(nodes, { name })).toThrow(TypeError);
});

test("objectPath keeps names inside of their segment, and wants a namespace where there is one", () => {
  expect(objectPath(nodes, { name: "a/../b?c" })).toBe("/api/v1/nodes/a%2F..%2Fb%3Fc");
  expect(objectPath({ ...nodes, group: "x.dev" }, { name: "a" }, "status")).toBe("/apis/x.dev/v1/nodes/a/status");
  expect(() => objectPath(secrets, { name: "a" })).toThrow("must have a namespace");
});
