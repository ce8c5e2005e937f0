import { keyOf, type KubeObject } from "./object.ts";
import type { Ref } from "./resource.ts";

/** What became of an object, as far as this process saw it; what happened between two looks is one change. */
export type CacheChange =
  | { readonly type: "added"; readonly key: string; readonly object: KubeObject }
  | { readonly type: "updated"; readonly key: string; readonly object: KubeObject; readonly before: KubeObject }
  /** `object` is the last state that was kept. */
  | { readonly type: "deleted"; readonly key: string; readonly object: KubeObject };

/** The newest known state of the objects of a selection. */
export class ObjectCache {
  readonly #objects = new Map<string, KubeObject>();
  readonly #kept: (object: KubeObject) => KubeObject;

  /** @param kept - What stays in memory of an object, its metadata at least. @default all of it */
  constructor(kept: (object: KubeObject) => KubeObject = (object) => object) {
    this.#kept = kept;
  }

  get size(): number {
    return this.#objects.size;
  }

  get({ namespace, name }: Ref): KubeObject | undefined {
    return this.#objects.get(keyOf({ metadata: { name, ...(namespace !== undefined && { namespace }) } }));
  }

  byKey(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  /** All of them, or those of a namespace; in no particular order. */
  list(namespace?: string): readonly KubeObject[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** Takes one state; returns what that changed, if anything. */
  put(object: KubeObject): CacheChange | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined && isSameState(before, object)) return undefined;
    this.#objects.set(key, this.#kept(object));
    return before === undefined ? { type: "added", key, object } : { type: "updated", key, object, before };
  }

  remove(object: KubeObject): CacheChange | undefined {
    const key = keyOf(object);
    return this.#objects.delete(key) ? { type: "deleted", key, object } : undefined;
  }

  /** Takes the state of everything; returns what that changed, deletions first. */
  replace(objects: readonly KubeObject[]): readonly CacheChange[] {
    const kept = new Set(objects.map(keyOf));
    const gone = [...this.#objects.values()].filter((object) => !kept.has(keyOf(object)));
    const changes = [...gone.map((object) => this.remove(object)), ...objects.map((object) => this.put(object))];
    return changes.filter((change) => change !== undefined);
  }
}

const isSameState = ({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean =>
  a.uid === b.uid && a.resourceVersion === b.resourceVersion;
