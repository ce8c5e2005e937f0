import type { Change } from "../../ring/change.ts";
import { isDeepStrictEqual } from "node:util";
import { type KubeObject } from "../../kube/object.ts";
import type { Kid } from "../../ring/key.ts";
import { counts } from "../../ring/resource/limits.ts";
import { annotations } from "../../parse/api-names.ts";
import type { FieldPath } from "../../kube/managed-fields.ts";
import { formatInstant, readInstant } from "../../parse/instant.ts";
import { type Members, itemsOf, membersOf } from "../../parse/object.ts";

/** Fields of a JwtKeyRotation to set; `null` takes one away (RFC 7386). */
export interface Edit {
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The edit that asks for the change, without the fields that are so already. Kids in `remembered` need not be named again. */
export function editOf(change: Change, resource: KubeObject, remembered: readonly Kid[] = []): Edit {
  const { annotations: notes, spec } = wishOf(change, resource, remembered);
  const now = resource.metadata.annotations ?? {};
  return { annotations: news(notes, now), spec: news(spec, specOf(resource)) };
}

function wishOf(change: Change, resource: KubeObject, remembered: readonly Kid[]): Edit {
  const spec = specOf(resource);
  switch (change.kind) {
    case "rotate":
      return { annotations: { [annotations.rotateRequestedAt]: change.requestedAt }, spec: {} };
    case "pin":
      return { annotations: {}, spec: { activeKid: change.kid ?? null } };
    case "revoke": {
      const revokedKids = revokedKidsWith(spec["revokedKids"], change, remembered);
      // Revocation wins over a pin, and a spec that wants both is refused
      return { annotations: {}, spec: { revokedKids, ...(spec["activeKid"] === change.kid && { activeKid: null }) } };
    }
    case "revokeCreatedBefore":
      return {
        annotations: {},
        spec: { revokeKeysCreatedBefore: later(spec["revokeKeysCreatedBefore"], change.atMs) },
      };
    case "recover": {
      const requestedAt = formatInstant(change.requestedAtMs);
      // Keys that were brought along to an earlier recovery are not brought along again
      const notes = { [annotations.recoverRequestedAt]: requestedAt, [annotations.recoverJwks]: change.jwks ?? null };
      return { annotations: notes, spec: {} };
    }
    default:
      return change satisfies never;
  }
}

/** At most as many as a spec may name: the first go that the ring remembers anyway. */
function revokedKidsWith(before: unknown, { kid, reason }: { kid: Kid; reason: string }, remembered: readonly Kid[]) {
  const others = itemsOf(before).filter((entry) => kidOf(entry) !== kid);
  let surplus = others.length + 1 - counts.revokedKids;
  const kept = others.filter((entry) => surplus <= 0 || !remembered.includes(kidOf(entry) ?? "") || surplus-- <= 0);
  return [...kept, { kid, ...(reason !== "" && { reason }) }];
}

function kidOf(entry: unknown): string | undefined {
  const kid = membersOf(entry)["kid"];
  return typeof kid === "string" ? kid : undefined;
}

function later(before: unknown, atMs: number): unknown {
  const beforeMs = typeof before === "string" ? readInstant(before) : undefined;
  return beforeMs !== undefined && beforeMs >= atMs ? before : formatInstant(atMs);
}

/** `null` is what is not there. */
function news<Value>(wanted: Readonly<Record<string, Value>>, now: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => !isDeepStrictEqual(value, now[name] ?? null)),
  );
}

const specOf = ({ spec }: KubeObject): Members => membersOf(spec);

/** The fields that it changes. */
export const editedPaths = ({ annotations: notes, spec }: Edit): readonly FieldPath[] => [
  ...Object.keys(notes).map((name) => ["metadata", "annotations", name]),
  ...Object.keys(spec).map((name) => ["spec", name]),
];

/** The resource as it will be. */
export function edited(resource: KubeObject, { annotations: notes, spec }: Edit): KubeObject {
  const { metadata } = resource;
  return {
    ...resource,
    metadata: { ...metadata, annotations: patched({ ...metadata.annotations, ...notes }) },
    spec: patched({ ...specOf(resource), ...spec }),
  };
}

const patched = <Value>(members: Readonly<Record<string, Value | null>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(members).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));

/** The JSON merge patch, which the API server takes only while the resource is as it was read. */
export const patchOf = ({ annotations: notes, spec }: Edit, { metadata: { resourceVersion } }: KubeObject): object => ({
  metadata: { resourceVersion, ...(Object.keys(notes).length > 0 && { annotations: notes }) },
  ...(Object.keys(spec).length > 0 && { spec }),
});

/** The same for a manifest in a repository. A field to take away stands there empty. */
export function editManifest({ annotations: notes, spec }: Edit, { apiVersion, kind, metadata }: KubeObject): object {
  const { name, namespace } = metadata;
  const left = Object.fromEntries(Object.entries(spec).map(([field, value]) => [field, value ?? ""]));
  const added = patched(notes);
  return {
    ...{ apiVersion, kind },
    metadata: { name, namespace, ...(Object.keys(added).length > 0 && { annotations: added }) },
    ...(Object.keys(left).length > 0 && { spec: left }),
  };
}
