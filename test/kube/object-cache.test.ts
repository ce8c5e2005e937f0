import { expect, test } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { ObjectCache } from "../../src/kube/object-cache.ts";

function object(name: string, resourceVersion: string, more: object = {}): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "a", name, uid: name, resourceVersion, ...more } };
}

const named = (changes: readonly { type: string; key: string }[]): string[] =>
  changes.map(({ type, key }) => `${type} ${key}`);

test("Store.put tells what is new, changed and the same", () => {
  const store = new ObjectCache();
  const [one, two] = [object("x", "1"), object("x", "2")];
  expect(store.put(one)).toEqual({ type: "added", key: "a/x", object: one });
  expect(store.put(object("x", "1"))).toBeUndefined();
  expect(store.put(two)).toEqual({ type: "updated", key: "a/x", object: two, before: one });
  expect(store.put(object("x", "2", { uid: "other" }))).toMatchObject({ type: "updated" });
});

test("Store.remove tells only of what was there", () => {
  const store = new ObjectCache();
  store.put(object("x", "1"));
  expect(store.remove(object("x", "9"))).toMatchObject({ type: "deleted", key: "a/x" });
  expect(store.remove(object("x", "9"))).toBeUndefined();
});

test("Store.replace tells the difference of two states, deletions first", () => {
  const store = new ObjectCache();
  store.replace([object("gone", "1"), object("same", "1"), object("changed", "1")]);
  const changes = store.replace([object("new", "5"), object("same", "1"), object("changed", "6")]);
  expect(named(changes)).toEqual(["deleted a/gone", "added a/new", "updated a/changed"]);
  expect(store.size).toBe(3);
});

test("Store finds by name, by key and by namespace, also what has no namespace", () => {
  const store = new ObjectCache();
  const node: KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
  store.replace([object("x", "1"), object("x", "1", { namespace: "b", uid: "bx" }), node]);
  expect(store.get({ namespace: "b", name: "x" })?.metadata.uid).toBe("bx");
  expect(store.get({ name: "n" })).toBe(node);
  expect(store.byKey("a/x")?.metadata.uid).toBe("x");
  expect(store.get({ namespace: "c", name: "x" })).toBeUndefined();
  expect(store.list("a")).toHaveLength(1);
  expect(store.list()).toHaveLength(3);
});

test("Store keeps what it is told to keep, and tells of the whole", () => {
  const store = new ObjectCache(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }));
  const secret = { ...object("x", "1"), data: { key: "hush" } };
  expect(store.put(secret)).toEqual({ type: "added", key: "a/x", object: secret });
  expect(JSON.stringify(store.list())).not.toContain("hush");
  expect(store.put(secret)).toBeUndefined();
});
