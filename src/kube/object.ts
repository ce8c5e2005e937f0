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

type Fields = Readonly<Record<string, unknown>>;

/** True for a JSON object, which an array is not. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Parses and freezes; undefined for anything that is no JSON. Never an error, since those quote their source. */
export function parseJson(text: string): unknown {
  try {
    return freeze(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Freezes a JSON value to its leaves, in place, and returns it. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) freeze(each);
  return Object.freeze(value);
}

/**
 * The value as an object of the API, or undefined if it is none. Trusts the server for the types inside of `metadata`, but
 * for those that decide where an object belongs.
 *
 * @param defaults - What the items of a list leave out
 */
export function asObject(value: unknown, defaults: Partial<KubeObject> = {}): KubeObject | undefined {
  if (!isFields(value)) return undefined;
  const { apiVersion = defaults.apiVersion, kind = defaults.kind, metadata } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !isMetadata(metadata)) return undefined;
  return Object.freeze({ ...value, apiVersion, kind, metadata });
}

function isMetadata(value: unknown): value is Metadata {
  if (!isFields(value) || typeof value["name"] !== "string") return false;
  return ["namespace", "uid", "resourceVersion"].every((field) =>
    ["string", "undefined"].includes(typeof value[field]),
  );
}

/** `namespace/name`, or `name` alone for what has no namespace: the key of a store and of a work queue. */
export function keyOf({ metadata: { namespace, name } }: Pick<KubeObject, "metadata">): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
