import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quoted } from "../errors/quote.ts";
import { annotations } from "../parse/api-names.ts";
import { jsonIn } from "../parse/json.ts";
import { isObject, type Members, objectsIn } from "../parse/object.ts";
import { dropMember } from "./lists.ts";
import { mapAt, type Path, textAt } from "./manifest.ts";

/** What was put into the spec of a pod. */
export interface PutRecord {
  readonly initContainers: readonly Members[];
  readonly volumes: readonly Members[];
  /** Absent: somebody else has said so, or nobody. */
  readonly automountServiceAccountToken?: false;
}

const path: Path = ["metadata", "annotations", annotations.injected];

/** Undefined: nothing was put, or by a version that wrote none. @throws ChangeNeededError for what is no record */
export function putRecordIn(document: Document, name: string): PutRecord | undefined {
  const text = textAt(document, path);
  if (text === "") return undefined;
  const found = jsonIn(text);
  if (isObject(found)) {
    return {
      initContainers: objectsIn(found["initContainers"]),
      volumes: objectsIn(found["volumes"]),
      ...(found["automountServiceAccountToken"] === false && { automountServiceAccountToken: false }),
    };
  }
  throw new ChangeNeededError(
    "WorkloadUnfit",
    `Cannot inject into ${quoted(name)}: the annotation ${annotations.injected} must be as keyturn inject wrote it; without it what was edited is lost`,
  );
}

/** @param record - Undefined: nothing is put any more */
export function setPutRecord(document: Document, record: PutRecord | undefined): void {
  if (record === undefined) dropMember(document, path);
  else mapAt(document, path.slice(0, -1)).set(annotations.injected, JSON.stringify(record));
}
