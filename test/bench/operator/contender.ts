import type { ChildProcess } from "node:child_process";
import type { KubeClient, KubeObject } from "../../../hack/testcluster/client.ts";

/** A controller that is measured, and the objects that it is given. */
export interface Contender {
  readonly name: string;
  /** Of its own. */
  readonly namespace: string;
  /** Where its objects are made and watched. */
  readonly folder: string;
  /** What the objects need before. */
  prepare(admin: KubeClient): Promise<void>;
  objectOf(name: string): object;
  /** Everything that was to be made for the object is made, and the object says so. */
  isReady(object: KubeObject): boolean;
  start(): ChildProcess;
}

/** Makes the objects, eight at a time; resolves when all are ready. */
export async function makeReady(admin: KubeClient, contender: Contender, names: readonly string[]): Promise<void> {
  const { folder } = contender;
  const missing = new Set(names);
  const isDone = (object: KubeObject): boolean => {
    if (contender.isReady(object)) missing.delete(object.metadata.name);
    return missing.size === 0;
  };
  const ready = watchUntil(admin, `${folder}?timeoutSeconds=7200`, isDone);
  await each(names, 8, async (name) => {
    await admin.create(folder, contender.objectOf(name));
  });
  await ready;
}

export async function watchUntil(
  admin: KubeClient,
  path: string,
  isDone: (object: KubeObject) => boolean,
): Promise<void> {
  for await (const { object } of admin.watch(path)) if (isDone(object)) return;
}

/** So many at a time. */
export async function each<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const run = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, run));
}
