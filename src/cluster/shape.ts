import { isDeepStrictEqual } from "node:util";
import { ourFiles, type Files } from "../crypto/objects.ts";
import { type KubeObject, type Metadata, type OwnerReference, frozenJson } from "../kube/object.ts";
import { apiVersionOf } from "../kube/resource.ts";
import type { RotationFrame } from "../ring/resource/rotation.ts";
import { isCopy } from "./copies.ts";
import { annotations, labels, rotations } from "../parse/api-names.ts";
import { dataOf, type Slot } from "./slot.ts";
import { itemsOf, membersOf } from "../parse/object.ts";

export interface Belonging {
  readonly slot: Slot;
  readonly rotation: RotationFrame;
  /** The JwtKeyRotation, by which it is owned under `deletionPolicy: Delete`. */
  readonly owner: KubeObject;
}

export interface Wanted extends Belonging {
  readonly files: Files;
}

/** The object with the labels, annotations and owners that it is to have, and its data to the last byte as they are. */
export const relabelled = (found: KubeObject, belonging: Belonging): KubeObject => ({
  ...found,
  metadata: metadataOf(found, belonging),
});

/** The object as it is to be, made from what stands there: foreign data, labels, annotations and owners are kept, but for copies of keys. */
export function shaped(found: KubeObject | undefined, wanted: Wanted): KubeObject {
  const { slot, files } = wanted;
  const base = found ?? { apiVersion: apiVersionOf(slot.resource), kind: slot.resource.kind, metadata: slot.ref };
  const binaryData = foreignIn(found?.["binaryData"]);
  return {
    ...base,
    metadata: metadataOf(found, wanted),
    data: { ...foreignIn(found?.["data"]), ...dataOf(files, slot.resource) },
    ...(found?.["binaryData"] !== undefined && { binaryData }),
  };
}

const foreignIn = (data: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(membersOf(data)).filter(([name]) => !ourFiles.includes(name)));

/** True when writing `next` over `found` would change nothing. */
export const isSameObject = (found: KubeObject, next: KubeObject): boolean =>
  ["data", "binaryData", "metadata"].every((field) => isDeepStrictEqual(found[field], next[field]));

function metadataOf(found: KubeObject | undefined, belonging: Belonging): Metadata {
  const { slot, rotation } = belonging;
  const { ref } = rotation;
  const template = templateOf(slot, rotation);
  const before = found?.metadata;
  const past = templateKeys(before?.annotations?.[annotations.template]);
  const isAdopted = before?.annotations?.[annotations.adopted] !== undefined || isSomebodyElses(before);
  const own = { [labels.rotation]: ref.name, [labels.object]: slot.role, [labels.namespace]: slot.ref.namespace };
  const copies = Object.entries(before?.annotations ?? {}).filter(([name, value]) => isCopy(name, value));
  const notes = {
    ...without(before?.annotations, [...past.annotations, annotations.template, ...copies.map(([name]) => name)]),
    ...template.annotations,
    ...templateNote(template),
    ...(isAdopted && { [annotations.adopted]: "true" }),
  };
  const owners = ownersOf(before?.ownerReferences ?? [], belonging, isAdopted);
  return {
    ...otherFields(before),
    ...slot.ref,
    labels: { ...without(before?.labels, past.labels), ...template.labels, ...own },
    ...(Object.keys(notes).length > 0 && { annotations: notes }),
    ...(owners.length > 0 && { ownerReferences: owners }),
  };
}

type ObjectTemplate = Pick<RotationFrame["secretTemplate"], "labels" | "annotations">;

/** An annotation may make another tool copy what has it: the object with every private half gets those alone that are named for it. */
const templateOf = ({ role }: Slot, { secretTemplate }: RotationFrame): ObjectTemplate =>
  role === "ring" ? { ...secretTemplate, annotations: secretTemplate.ringAnnotations } : secretTemplate;

/** It was there before Keyturn was. */
const isSomebodyElses = (metadata: Metadata | undefined): boolean =>
  metadata !== undefined && metadata.labels?.[labels.object] === undefined;

/** An old owner of the same name is another resource, which is gone: with it this object would go. */
function ownersOf(before: readonly OwnerReference[], { rotation, owner }: Belonging, isAdopted: boolean) {
  const { apiVersion, kind, metadata } = owner;
  const isOurs = (one: OwnerReference): boolean => one.kind === rotations.kind && one.name === metadata.name;
  const others = before.filter((one) => !isOurs(one));
  const { uid } = metadata;
  if (rotation.deletionPolicy !== "Delete" || isAdopted || uid === undefined) return others;
  const ours = before.find((one) => isOurs(one) && one.uid === uid);
  return [...others, ours ?? { apiVersion, kind, name: metadata.name, uid }];
}

interface TemplateKeys {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

function templateNote(template: ObjectTemplate): Readonly<Record<string, string>> {
  const keys: TemplateKeys = {
    labels: Object.keys(template.labels).sort(),
    annotations: Object.keys(template.annotations).sort(),
  };
  return keys.labels.length + keys.annotations.length === 0 ? {} : { [annotations.template]: JSON.stringify(keys) };
}

/** Whoever damages the note keeps what the template put there. */
function templateKeys(note: string | undefined): TemplateKeys {
  const parsed = note === undefined ? undefined : frozenJson(note);
  const keys = membersOf(parsed);
  return { labels: textsIn(keys["labels"]), annotations: textsIn(keys["annotations"]) };
}

function textsIn(value: unknown): readonly string[] {
  return itemsOf(value).filter((each) => typeof each === "string");
}

function without(map: Readonly<Record<string, string>> = {}, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !names.includes(name)));
}

/** What Keyturn says nothing about: uid, resourceVersion, finalizers, … */
function otherFields(metadata: Metadata | undefined): Readonly<Record<string, unknown>> {
  const ours = ["labels", "annotations", "ownerReferences"];
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([name]) => !ours.includes(name)));
}
