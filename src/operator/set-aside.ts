import { createHash } from "node:crypto";
import { ourFiles } from "../crypto/objects.ts";
import { holdsUnclaimed } from "../crypto/unclaimed.ts";
import type { DocumentRead } from "../keeper/document.ts";
import { isFields, type KubeObject } from "../kube/object.ts";
import { apiVersionOf, secrets } from "../kube/resource.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Ring } from "../ring/ring.ts";
import type { RotationFrame } from "../ring/spec.ts";
import { labels } from "./resources.ts";
import { dataOf, filesIn, type Slot } from "./slot.ts";

/** The longest name of an object (RFC 1123 §2.1, as Kubernetes has it). */
const longestName = 253;

/**
 * True when writing over the object would lose keys: a ring that can't be read, or entries of ours with keys that the ring
 * does not have. Entries of other names stay where they are.
 */
export function isUnclaimed(
  { reading, object }: DocumentRead & { readonly object?: KubeObject },
  { role, resource }: Slot,
  { ring, materials }: { readonly ring: Ring; readonly materials: KeyMaterials },
): boolean {
  if (object === undefined || (reading.kind !== "unreadable" && reading.kind !== "adoptable")) return false;
  const ours = Object.entries(filesIn(object, resource)).filter(([name]) => ourFiles.includes(name));
  if (role === "ring") return ours.some(([, text]) => text !== "");
  return holdsUnclaimed(Object.fromEntries(ours), ring, materials);
}

/**
 * A Secret `<secretName>-set-aside-<hash>` with the entries that are about to be written over, byte for byte. Named by what is
 * in it, so that a pass that is done again makes no other. Nobody owns it: it outlives the rotation.
 */
export function setAsideSecret(
  { role, resource, ref }: Slot,
  object: KubeObject,
  { rotation, generation }: { readonly rotation: RotationFrame; readonly generation: number },
): KubeObject {
  const found = isFields(object["data"]) ? object["data"] : {};
  const ours = Object.entries(found).filter(([name]) => ourFiles.includes(name));
  const texts = ours.flatMap(([name, text]): [string, string][] => (typeof text === "string" ? [[name, text]] : []));
  const entries = Object.fromEntries(texts);
  const data = resource.kind === secrets.kind ? entries : dataOf(entries, secrets);
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
      labels: { [labels.rotation]: rotation.ref.name, [labels.object]: "set-aside" },
      annotations: { "keyturn.dev/set-aside-from": `${role} object, before generation ${generation}` },
    },
    data,
  };
}
