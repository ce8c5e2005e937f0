/** A kind of objects, and where the API serves it. */
export interface Resource {
  /** `""` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only the metadata of each object is asked for. @default the whole of it */
  readonly form?: "metadata";
}

/** The name of one object. */
export interface Ref {
  /** Absent for what has no namespace. */
  readonly namespace?: string;
  readonly name: string;
}

/** Which objects of a resource. */
export interface Selection {
  /** Absent: those of all namespaces. */
  readonly namespace?: string;
  /** `keyturn.dev/rotation=a,keyturn.dev/object` */
  readonly labelSelector?: string;
  /** `metadata.name=a` */
  readonly fieldSelector?: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const core = (plural: string, kind: string): Resource => ({ group: "", version: "v1", plural, kind, namespaced: true });

export const secrets = core("secrets", "Secret");
export const configMaps = core("configmaps", "ConfigMap");
export const pods = core("pods", "Pod");

/** The same objects, of which nothing but their metadata comes. */
export const metadataOf = (resource: Resource): Resource => ({
  ...resource,
  kind: "PartialObjectMetadata",
  form: "metadata",
});

/** How a list or a watch of the resource asks for its form; undefined: as it does by itself. */
export function acceptOf({ form, kind }: Resource, of: "list" | "watch"): string | undefined {
  if (form === undefined) return undefined;
  return `application/json;as=${kind}${of === "list" ? "List" : ""};g=meta.k8s.io;v=v1`;
}

export const apiVersionOf = ({ group, version }: Resource): string => (group === "" ? version : `${group}/${version}`);

/** The path of a resource's objects: all of them, or those of a namespace. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const where = namespace === undefined ? "" : `/namespaces/${segment(namespace)}`;
  return `${root}/${apiVersionOf(resource)}${where}/${resource.plural}`;
}

/** @throws TypeError when the resource has namespaces and none is given */
export function objectPath(resource: Resource, { namespace, name }: Ref, subresource?: string): string {
  if (resource.namespaced && namespace === undefined) {
    throw new TypeError(`Cannot address ${resource.plural} "${name}": must have a namespace`);
  }
  const path = `${collectionPath(resource, resource.namespaced ? namespace : undefined)}/${segment(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Never a way up or out of the path: `..`, a slash, nothing at all. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..") throw new TypeError(`Cannot address "${name}": must be a name`);
  return encodeURIComponent(name);
}

/** `?a=1&b=x`, without what is undefined; empty when nothing is left. */
export function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** For messages: `secrets "team/gateway"`. */
export function nameOf(resource: Resource, { namespace, name }: Partial<Ref>): string {
  const path = [namespace, name].filter((part) => part !== undefined).join("/");
  return path === "" ? resource.plural : `${resource.plural} "${path}"`;
}
