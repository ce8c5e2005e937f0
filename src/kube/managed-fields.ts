import { type KubeObject } from "./object.ts";
import { isObject } from "../parse/object.ts";

/** Where a field stands in an object: `["spec", "activeKid"]`. */
export type FieldPath = readonly string[];

/** An entry of `metadata.managedFields`: what one manager has set, beside the status. */
export interface ManagedFields {
  readonly manager: string;
  /** `Apply` or `Update`. */
  readonly operation: string;
  /** When it changed something last, in Unix milliseconds, of whole seconds; NaN where that is not said. */
  readonly atMs: number;
  readonly owns: (path: FieldPath) => boolean;
}

export function managedFieldsOf({ metadata }: KubeObject): readonly ManagedFields[] {
  const entries: readonly unknown[] = Array.isArray(metadata["managedFields"]) ? metadata["managedFields"] : [];
  return entries.flatMap((entry) => {
    if (!isObject(entry) || entry["subresource"] === "status") return [];
    const { manager, operation, time, fieldsV1 } = entry;
    if (typeof manager !== "string") return [];
    return {
      manager,
      operation: typeof operation === "string" ? operation : "",
      atMs: typeof time === "string" ? Date.parse(time) : NaN,
      owns: (path: FieldPath) => holds(fieldsV1, path),
    };
  });
}

/**
 * The object without `metadata.managedFields`: in memory and on the way they are half of a small one. The API server keeps its own
 * where a write has none.
 */
export function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata["managedFields"] === undefined) return object;
  const { name } = object.metadata;
  const others = Object.entries(object.metadata).filter(([field]) => field !== "managedFields");
  return { ...object, metadata: { ...Object.fromEntries(others), name } };
}

/** Each field is a member `f:<name>`. */
function holds(fields: unknown, [first, ...rest]: FieldPath): boolean {
  if (first === undefined) return true;
  return isObject(fields) && `f:${first}` in fields && holds(fields[`f:${first}`], rest);
}
