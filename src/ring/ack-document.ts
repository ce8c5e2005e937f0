import type { Ack } from "./ack.ts";
import { apiVersion, keyRingAcks } from "../parse/api-names.ts";
import { longest } from "./codec/wire.ts";
import { Cursor, type ObjectCursor } from "../parse/cursor.ts";

/** The most kids that an ack may list: twice what a ring may hold. */
export const verifiesLimit = 32;

/** Which gateway states what: an {@link Ack} with the pod (standalone: the instance) and the rotation that it is about. */
export interface StatedAck {
  /** Name of the JwtKeyRotation. */
  readonly rotation: string;
  readonly podName: string;
  readonly ack: Ack;
}

/** A KeyRingAck as it is stored. Without status and spec: its fields stand at top level. */
export interface KeyRingAck<Metadata extends { readonly name: string } = { readonly name: string }> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: typeof keyRingAcks.kind;
  readonly metadata: Metadata;
  readonly rotation: string;
  readonly podName: string;
  readonly generation: number;
  readonly writeId?: string;
  readonly verifies: readonly string[];
  readonly signs?: string;
  readonly sourceUnfit?: true;
}

/**
 * Returns what a gateway states, checked: an ack comes from a pod that may lie. Members that are not known are ignored,
 * as everywhere in the Kubernetes API, so that a newer gateway is understood.
 *
 * Accepts any generation from 0 up; which ones are believable is for the reader of the clock to say.
 *
 * @throws ChangeNeededError `AckUnreadable` with one reason and its JSON path
 */
export function parseKeyRingAck(document: unknown): StatedAck {
  const fields = new Cursor(document, "$", { code: "AckUnreadable", action: "Cannot read acknowledgement" }).fields();
  fields.at("apiVersion").oneOf([apiVersion]);
  fields.at("kind").oneOf([keyRingAcks.kind]);
  return {
    rotation: fields.at("rotation").text(longest.name),
    podName: fields.at("podName").text(longest.name),
    ack: readAck(fields),
  };
}

function readAck(fields: ObjectCursor): Ack {
  const writeId = fields.maybe("writeId")?.text(longest.writeId);
  const signs = fields.maybe("signs")?.text(longest.kid);
  return {
    generation: fields.at("generation").wholeNumber(0),
    ...(writeId !== undefined && { writeId }),
    verifies: fields
      .at("verifies")
      .list(verifiesLimit)
      .map((kid) => kid.text(longest.kid)),
    ...(signs !== undefined && { signs }),
    ...(fields.maybe("sourceUnfit")?.trueOrFalse() === true && { sourceUnfit: true }),
  };
}

/** What a gateway on a directory may be called: its ack is a file of that name. */
export const instanceName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;

/** Returns the document that states the ack. The metadata is the caller's: name, and in a cluster label and owner. */
export function keyRingAck<Metadata extends { readonly name: string }>(
  metadata: Metadata,
  { rotation, podName, ack }: StatedAck,
): KeyRingAck<Metadata> {
  return {
    apiVersion,
    kind: keyRingAcks.kind,
    metadata,
    rotation,
    podName,
    generation: ack.generation,
    ...(ack.writeId !== undefined && { writeId: ack.writeId }),
    verifies: [...ack.verifies],
    ...(ack.signs !== undefined && { signs: ack.signs }),
    ...(ack.sourceUnfit === true && { sourceUnfit: true }),
  };
}
