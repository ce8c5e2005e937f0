import { frozen } from "../parse/frozen.ts";
import { isObject } from "../parse/object.ts";
import { jsonIn } from "../parse/json.ts";

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

/** Any object of the API as it came: whole, frozen to its leaves, with the fields that nobody here knows. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

/** What an API server says, which writes no name twice; undefined for anything that is no JSON. */
export const frozenJson = (text: string): unknown => frozen(jsonIn(text));

/**
 * The value as an object of the API, or undefined if it is none. Trusts the server for the types inside of `metadata`, but
 * for those that decide where an object belongs.
 *
 * @param defaults - What the items of a list leave out
 */
export function asObject(value: unknown, defaults: Partial<KubeObject> = {}): KubeObject | undefined {
  if (!isObject(value)) return undefined;
  const { apiVersion = defaults.apiVersion, kind = defaults.kind, metadata } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !isMetadata(metadata)) return undefined;
  return Object.freeze({ ...value, apiVersion, kind, metadata });
}

function isMetadata(value: unknown): value is Metadata {
  if (!isObject(value) || typeof value["name"] !== "string") return false;
  return ["namespace", "uid", "resourceVersion"].every((field) =>
    ["string", "undefined"].includes(typeof value[field]),
  );
}

/** `namespace/name`, or `name` alone for what has no namespace: the key of a store and of a work queue. */
export function keyOf({ metadata: { namespace, name } }: Pick<KubeObject, "metadata">): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
