import { createHash } from "node:crypto";
import { ourFiles } from "../crypto/objects.ts";
import type { Known } from "../crypto/unclaimed.ts";
import type { DocumentRead } from "../keeper/document-read.ts";
import { losesKeys, strangerTest } from "../keeper/strangers.ts";
import type { KubeObject } from "../kube/object.ts";
import { apiVersionOf, secrets } from "../kube/resource.ts";
import type { RotationFrame } from "../ring/resource/rotation.ts";
import { annotations, labels } from "../parse/api-names.ts";
import { entriesIn, filesIn, type Slot } from "./slot.ts";

type ObjectRead = DocumentRead & { readonly object?: KubeObject };

/** The longest name of an object (RFC 1123 §2.1, as Kubernetes has it). */
const longestName = 253;

/**
 * Names of the entries of ours that must be kept before the object is written over: those of a ring that can't be read, and
 * those with keys that the ring does not have. Entries of other names stay where they are.
 */
export function unclaimedIn({ object, ...read }: ObjectRead, { role, resource }: Slot, next: Known): readonly string[] {
  if (object === undefined || read.reading.kind === "foreign" || read.reading.kind === "absent") return [];
  const isStrange = strangerTest(read, role);
  const entries = Object.entries(filesIn(object, resource));
  const strangers = entries.filter((entry) => ourFiles.includes(entry[0]) && isStrange(entry));
  const names = strangers.map(([name]) => name);
  if (role === "ring" && read.reading.kind !== "ring") return strangers.some(([, text]) => text !== "") ? names : [];
  return losesKeys(strangers, read, next) ? names : [];
}

export interface Keeping {
  readonly names: readonly string[];
  readonly rotation: RotationFrame;
  /** Of the ring that is written. */
  readonly generation: number;
}

/**
 * A Secret `<secretName>-set-aside-<hash>` with those entries that are about to be written over, byte for byte. Named by what is
 * in it, so that a pass that is done again makes no other. Nobody owns it: it outlives the rotation.
 */
export function setAsideSecret(
  { role, resource, ref }: Slot,
  object: KubeObject,
  { names, rotation, generation }: Keeping,
): KubeObject {
  const texts = entriesIn(object, resource).filter(([name]) => names.includes(name));
  const data = Object.fromEntries(texts);
  const hash = createHash("sha256")
    .update(JSON.stringify([ref.name, texts]))
    .digest("hex")
    .slice(0, 12);
  const suffix = `-set-aside-${hash}`;
  return {
    apiVersion: apiVersionOf(secrets),
    kind: secrets.kind,
    metadata: {
      namespace: ref.namespace,
      name: `${rotation.secretName.slice(0, longestName - suffix.length)}${suffix}`,
      labels: {
        [labels.rotation]: rotation.ref.name,
        [labels.object]: "set-aside",
        [labels.namespace]: ref.namespace,
      },
      annotations: { [annotations.setAsideFrom]: `${role} object, before generation ${generation}` },
    },
    data,
  };
}
