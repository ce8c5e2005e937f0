import type { Files } from "../crypto/objects.ts";
import { type KubeObject } from "../kube/object.ts";
import { configMaps, type Ref, type Resource, secrets } from "../kube/resource.ts";
import type { RingObject } from "../ring/codec.ts";
import type { RotationFrame } from "../ring/resource/rotation.ts";
import { labels } from "../parse/api-names.ts";
import { membersOf } from "../parse/object.ts";

/** Where one of the three objects stands. */
export interface Slot {
  readonly role: RingObject;
  readonly resource: Resource;
  readonly ref: Required<Ref>;
}

const places = {
  ring: { resource: secrets, suffix: "-ring" },
  signer: { resource: secrets, suffix: "" },
  public: { resource: configMaps, suffix: "-public" },
} as const;

/** The place of an object of a rotation: Secrets `<secretName>-ring` and `<secretName>`, ConfigMap `<secretName>-public`. */
export function slotOf(
  { ref: { namespace }, secretName }: Pick<RotationFrame, "ref" | "secretName">,
  role: RingObject,
): Slot {
  const { resource, suffix } = places[role];
  return { role, resource, ref: { namespace, name: `${secretName}${suffix}` } };
}

/** Whose an object is, by its labels alone. */
export type Ownership = "nobody" | "ours" | { readonly not: string };

export function ownership({ metadata }: KubeObject, role: RingObject, rotation: string): Ownership {
  const name = metadata.labels?.[labels.rotation];
  const object = metadata.labels?.[labels.object];
  if (name === undefined && object === undefined) return "nobody";
  if (name !== rotation) return { not: name === undefined ? `it has no label ${labels.rotation}` : belongsTo(name) };
  if (object !== role) return { not: `its label ${labels.object} must be ${role}, is ${object ?? "not there"}` };
  return "ours";
}

const belongsTo = (name: string): string => `it belongs to the JwtKeyRotation "${name}"`;

/** The data of a Secret or ConfigMap as text, `binaryData` among it. What is no text becomes text that nothing can be made of. */
export const filesIn = (object: KubeObject, resource: Resource): Files =>
  Object.fromEntries(
    entriesIn(object, resource).map(([name, base64]) => [name, Buffer.from(base64, "base64").toString("utf8")]),
  );

/** The same in base64, byte for byte. */
export function entriesIn(
  { data, binaryData }: KubeObject,
  resource: Resource,
): readonly (readonly [string, string])[] {
  const isSecret = resource.kind === secrets.kind;
  const texts = textsIn(data);
  return [...Object.entries(isSecret ? texts : dataOf(texts, secrets)), ...Object.entries(textsIn(binaryData))];
}

const textsIn = (data: unknown): Files =>
  Object.fromEntries(
    Object.entries(membersOf(data)).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] as const] : [],
    ),
  );

/** As the API takes it. */
export function dataOf(files: Files, resource: Resource): Readonly<Record<string, string>> {
  if (resource.kind !== secrets.kind) return files;
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, Buffer.from(text, "utf8").toString("base64")]),
  );
}
