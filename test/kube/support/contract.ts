import { describe, expect, onTestFinished, test } from "vitest";
import type { KubeClient } from "../../../src/kube/client.ts";
import { isAlreadyExists, isWriteConflict, isNotFound } from "../../../src/kube/kube-errors.ts";
import type { KubeObject } from "../../../src/kube/object.ts";
import { Reflector } from "../../../src/kube/reflector.ts";
import { configMaps, metadataOf, pods, type Resource, secrets, type Selection } from "../../../src/kube/resource.ts";
import type { CacheChange } from "../../../src/kube/object-cache.ts";
import { removed } from "./clients.ts";

export interface Target {
  /** With pages of 3. */
  readonly client: KubeClient;
  /** One that nobody else uses. */
  readonly namespace: string;
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "worked",
    (error: unknown) => error,
  );

let made = 0;
const unused = (prefix: string): string => `${prefix}-${(made += 1)}`;

/** What the client and an API server do together: run against the fake, and against a real one. */
export function kubeContract(name: string, target: () => Promise<Target>): void {
  describe(`KubeClient on ${name}`, () => {
    objectContract(target);
    writeContract(target);
  });
  describe(`Reflector on ${name}`, () => reflectorContract(target));
}

function objectContract(target: () => Promise<Target>): void {
  test("creates and gets an object, frozen to its leaves", async () => {
    const { client, namespace } = await target();
    const ref = { namespace, name: unused("made") };
    const created = await client.create(configMaps, { metadata: ref, data: { a: "ü" } });
    expect(created).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { a: "ü" } });
    expect(created.metadata.uid).toBeTruthy();
    expect(await client.get(configMaps, ref)).toEqual(created);
    expect(Object.isFrozen(created["data"])).toBe(true);
  });

  test("lets the server choose a name", async () => {
    const { client, namespace } = await target();
    const { metadata } = await client.create(configMaps, { metadata: { namespace, generateName: "some-" } });
    expect(metadata.name).toMatch(/^some-./);
  });

  test("makes nothing twice", async () => {
    const { client, namespace } = await target();
    const object = { metadata: { namespace, name: unused("twice") } };
    await client.create(configMaps, object);
    expect(isAlreadyExists(await failure(client.create(configMaps, object)))).toBe(true);
  });

  test("finds nothing where nothing is, but for a kind that is unknown is an error", async () => {
    const { client, namespace } = await target();
    const ref = { namespace, name: "absent" };
    expect(await client.find(configMaps, ref)).toBeUndefined();
    expect(isNotFound(await failure(client.get(configMaps, ref)))).toBe(true);
    const unknown: Resource = {
      group: "none.example",
      version: "v1",
      plural: "things",
      kind: "Thing",
      namespaced: true,
    };
    expect(await failure(client.find(unknown, ref))).toMatchObject({ status: 404 });
  });

  test("lists by label and by name, over several pages", async () => {
    const { client, namespace } = await target();
    const label = unused("group");
    const names = Array.from({ length: 8 }, (_, n) => `${label}-${n}`);
    for (const each of names)
      await client.create(configMaps, { metadata: { namespace, name: each, labels: { label } } });
    const listed = await client.list(configMaps, { namespace, labelSelector: `label=${label}` });
    expect(listed.items.map(({ metadata }) => metadata.name).sort()).toEqual(names);
    expect(listed.items.every(({ kind, apiVersion }) => kind === "ConfigMap" && apiVersion === "v1")).toBe(true);
    const one = await client.list(configMaps, { namespace, fieldSelector: `metadata.name=${label}-3` });
    expect(one.items).toHaveLength(1);
    const everywhere = await client.list(configMaps, { labelSelector: `label=${label}` });
    expect(everywhere.items).toHaveLength(8);
  });

  test("never repeats what a Secret holds, not even what the server repeats", async () => {
    const { client, namespace } = await target();
    const secret = { metadata: { namespace, name: unused("bad") }, data: { a: "!c2VjcmV0LXBhcnQ!" } };
    const error = await failure(client.create(secrets, secret));
    expect(error).toMatchObject({ status: 400 });
    expect(`${JSON.stringify(error)} ${String((error as Error).stack)}`).not.toMatch(/c2VjcmV0/);
  });

  test("knows the server's clock", async () => {
    const { client, namespace } = await target();
    await client.list(configMaps, { namespace, labelSelector: "none" });
    const apartMs = (client.transport.serverNowMs() ?? 0) - client.transport.clock.nowMs();
    expect(Math.abs(apartMs)).toBeLessThan(2500);
  });
}

function writeContract(target: () => Promise<Target>): void {
  async function start(data: object = { a: "1", b: "2" }): Promise<Target & { object: KubeObject }> {
    const given = await target();
    const metadata = { namespace: given.namespace, name: unused("written") };
    return { ...given, object: await given.client.create(configMaps, { metadata, data }) };
  }

  test("update replaces, and refuses what changed since", async () => {
    const { client, object } = await start();
    const second = await client.update(configMaps, { ...object, data: { a: "3" } });
    expect(second["data"]).toEqual({ a: "3" });
    expect(second.metadata.resourceVersion).not.toBe(object.metadata.resourceVersion);
    expect(isWriteConflict(await failure(client.update(configMaps, object)))).toBe(true);
  });

  test("update without a change makes no new version", async () => {
    const { client, object } = await start();
    const again = await client.update(configMaps, object);
    expect(again.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
  });

  test("merge changes what it names, and removes what is null", async () => {
    const { client, object } = await start();
    const ref = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    const merged = await client.merge(configMaps, { ref, body: { data: { a: null, c: "3" } } });
    expect(merged["data"]).toEqual({ b: "2", c: "3" });
    const stale = { metadata: { resourceVersion: object.metadata.resourceVersion }, data: { c: "4" } };
    expect(isWriteConflict(await failure(client.merge(configMaps, { ref, body: stale })))).toBe(true);
  });

  test("updateStatus writes the status, update all but the status", async () => {
    const { client, namespace } = await target();
    const metadata = { namespace, name: unused("pod") };
    const spec = { containers: [{ name: "main", image: "registry.example/none" }] };
    const pod = await client.create(pods, { metadata, spec });
    const labelled = { ...pod, metadata: { ...pod.metadata, labels: { a: "b" } }, status: { message: "hello" } };
    const reported = await client.updateStatus(pods, labelled);
    expect(reported["status"]).toMatchObject({ message: "hello" });
    const updated = await client.update(pods, {
      ...labelled,
      metadata: { ...reported.metadata, labels: { a: "b" } },
      status: {},
    });
    expect([updated["status"], updated.metadata.labels]).toMatchObject([{ message: "hello" }, { a: "b" }]);
  });
}

function reflectorContract(target: () => Promise<Target>): void {
  /** A reflector that runs, and what it saw. */
  async function running(client: KubeClient, selection: Selection, resource: Resource = configMaps) {
    const objects: KubeObject[] = [];
    const seen: string[] = [];
    const problems: unknown[] = [];
    const waiting = new Set<() => void>();
    const onChange = ({ type, object }: CacheChange): void => {
      seen.push(`${type} ${object.metadata.name}`);
      objects.push(object);
      for (const look of waiting) look();
    };
    const onProblem = (problem: unknown): void => void problems.push(problem);
    const reflector = new Reflector({ client, resource, selection, onChange, onProblem });
    const stop = new AbortController();
    const run = reflector.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await run;
    });
    await reflector.synced();
    const saw = (n: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => (seen.length >= n ? resolve() : undefined);
        waiting.add(look);
        look();
      });
    return { reflector, seen, objects, saw, problems };
  }

  test("sees what is there, what comes, changes and goes, in order", async () => {
    const { client, namespace } = await target();
    const label = unused("seen");
    const metadata = (name: string): object => ({ namespace, name: `${label}-${name}`, labels: { label } });
    for (const each of ["a", "b", "c", "d"]) await client.create(configMaps, { metadata: metadata(each) });
    const { reflector, seen, saw, problems } = await running(client, { namespace, labelSelector: `label=${label}` });
    expect([...seen].sort()).toEqual(["a", "b", "c", "d"].map((each) => `added ${label}-${each}`));
    const made = await client.create(configMaps, { metadata: metadata("e") });
    const changed = await client.update(configMaps, { ...made, data: { x: "1" } });
    await removed(client, configMaps, { namespace, name: `${label}-a` });
    await saw(7);
    expect(seen.slice(4)).toEqual([`added ${label}-e`, `updated ${label}-e`, `deleted ${label}-a`]);
    expect(reflector.store.get({ namespace, name: `${label}-e` })).toEqual(changed);
    expect(problems).toEqual([]);
  });

  test("sees what leaves its selection as deleted, and what enters it as added", async () => {
    const { client, namespace } = await target();
    const label = unused("moves");
    const ref = { namespace, name: label };
    await client.create(configMaps, { metadata: { ...ref, labels: { label } } });
    const { seen, saw } = await running(client, { namespace, labelSelector: `label=${label}` });
    await client.merge(configMaps, { ref, body: { metadata: { labels: { label: "other" } } } });
    await client.merge(configMaps, { ref, body: { metadata: { labels: { label } } } });
    await saw(3);
    expect(seen).toEqual([`added ${label}`, `deleted ${label}`, `added ${label}`]);
  });

  test("sees the metadata alone of what is there and what comes, where that is asked for", async () => {
    const { client, namespace } = await target();
    const label = unused("bare");
    const make = (name: string) =>
      client.create(configMaps, { metadata: { namespace, name, labels: { [label]: "yes" } }, data: { a: "b" } });
    await make(`${label}-1`);
    const { objects, saw, problems } = await running(
      client,
      { namespace, labelSelector: label },
      metadataOf(configMaps),
    );
    await make(`${label}-2`);
    await saw(2);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual([`${label}-1`, `${label}-2`]);
    for (const object of objects) {
      expect(object.metadata.labels).toEqual({ [label]: "yes" });
      expect(object["data"]).toBeUndefined();
    }
    expect(problems).toEqual([]);
  });

  test("watches one object by its name", async () => {
    const { client, namespace } = await target();
    const name = unused("single");
    const { seen, saw } = await running(client, { namespace, fieldSelector: `metadata.name=${name}` });
    expect(seen).toEqual([]);
    await client.create(configMaps, { metadata: { namespace, name: `${name}-other` } });
    await client.create(configMaps, { metadata: { namespace, name } });
    await saw(1);
    expect(seen).toEqual([`added ${name}`]);
  });
}
