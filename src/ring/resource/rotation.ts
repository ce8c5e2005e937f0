import { ChangeNeededError, type KeyturnError } from "../../errors/keyturn-error.ts";
import type { Algorithm } from "../key.ts";
import type { Policy } from "../plan.ts";
import type { RotationRef } from "../ring.ts";
import { counts, defaults, texts } from "./limits.ts";
import { readEmergency, type Emergency } from "./emergency-fields.ts";
import { readPolicy, rotationFields, specFields } from "./policy.ts";
import { choiceOf, instantOf, textOf, textOrEmptyOf } from "../../parse/scalars.ts";
import { type Spot, entriesOf, fieldsOf, looseFieldsOf, need, refuse } from "../../parse/spot.ts";
import { annotations, apiVersion, reservedPrefix, rotations } from "../../parse/api-names.ts";
import { problemText } from "../../parse/read-whole.ts";

/** Labels or annotations by key. */
type StringMap = Readonly<Record<string, string>>;

/** What a JwtKeyRotation says beside what the planner obeys. */
export interface RotationFrame {
  /** @default namespace `default`, for files; the API server always sets one */
  readonly ref: RotationRef;
  /** The signer Secret; 1 to 240 characters. @default the resource's name */
  readonly secretName: string;
  /** Put on the objects in a cluster; at most 32 entries each, none below `keyturn.dev/`. @default empty */
  readonly secretTemplate: {
    readonly labels: StringMap;
    /** On the signer object and the public one. */
    readonly annotations: StringMap;
    /** On the ring: by annotations tools copy what has them, so each must be named for it. */
    readonly ringAnnotations: StringMap;
  };
  /** @default `Retain` */
  readonly deletionPolicy: "Retain" | "Delete";
  /** `spec.rotation.requestID`, 1 to 128 characters; absent if unset or empty. */
  readonly requestID?: string;
  readonly annotations: {
    /** Any text of 1 to 128 characters. */
    readonly rotateRequestedAt?: string;
    /** Unix milliseconds. */
    readonly recoverRequestedAtMs?: number;
  };
  /**
   * What is ignored, one line each: malformed requests by annotation, which the API server can't refuse and which must not
   * hold up a revocation; and unknown fields, if the caller chose so.
   */
  readonly warnings: readonly string[];
}

/** A JwtKeyRotation that was checked, with every default filled in. */
export interface Rotation extends RotationFrame {
  readonly policy: Policy;
}

/**
 * A JwtKeyRotation that can't be used, and what of it is obeyed all the same. Of the rest of its frame it has what can be read;
 * a name that can't be is empty.
 */
export interface RefusedRotation extends RotationFrame {
  /** `InvalidSpec`, as {@link parseRotation} throws it. */
  readonly refused: KeyturnError;
  readonly emergency: Emergency;
  /** What can be read of it, or the default. */
  readonly readable: Pick<Policy, "suspend" | "acknowledgements"> & { readonly algorithm: Algorithm };
}

/** Of keys that are adopted or brought along and don't say. */
export const algorithmOf = (rotation: Rotation | RefusedRotation): Algorithm =>
  "policy" in rotation
    ? (rotation.policy.adoptionAlgorithm ?? rotation.policy.profile.algorithm)
    : rotation.readable.algorithm;

export interface ParseOptions {
  /**
   * `refuse` for what a person wrote. `warn` for what an API server took: its schema may be newer than this program, and a
   * field with a default in it must not stop every rotation after a downgrade.
   *
   * @default `refuse`
   */
  readonly unknownFields?: "refuse" | "warn";
}

function readAnnotations(spot: Spot, warnings: string[]): Rotation["annotations"] {
  const at = looseFieldsOf(spot);
  const lenient = (name: string): Spot => ({ ...at(name), problems: warnings });
  const rotateRequestedAt = textOrEmptyOf(lenient(annotations.rotateRequestedAt), texts.rotateRequestedAt);
  const recoverRequestedAtMs = instantOf(lenient(annotations.recoverRequestedAt));
  return {
    ...(rotateRequestedAt !== undefined && { rotateRequestedAt }),
    ...(recoverRequestedAtMs !== undefined && { recoverRequestedAtMs }),
  };
}

/** Keys below the reserved prefix are refused: `keyturn.dev/object` on a Secret means that it is ours. */
function readTemplateMap(spot: Spot, valueLimit: typeof texts.labelValue | typeof texts.annotationValue): StringMap {
  const entries = entriesOf(spot);
  if (entries.length > counts.templateEntries) {
    refuse(spot, `must have at most ${counts.templateEntries} entries`, `has ${entries.length}`);
    return {};
  }
  const read = entries.map(([key, member]) => {
    const keySpot = { ...member, value: key };
    if (key.startsWith(reservedPrefix)) refuse(keySpot, `must have a key outside of ${reservedPrefix}`);
    else textOf(keySpot, texts.labelKey);
    return [key, textOf(need(member), valueLimit) ?? ""] as const;
  });
  return Object.fromEntries(read);
}

/**
 * Checks a whole JwtKeyRotation, as JSON or YAML gave it, and fills in the defaults of `limits.ts`. `null` counts as
 * unset; so does the empty text in `requestID`, `activeKid`, `revokeKeysCreatedBefore` and a `reason`. `status` and
 * Kubernetes' other metadata are not looked at; any other field that is unknown is refused, unless the caller chose `warn`.
 *
 * Windows follow what is set: rotationWindow is `maxTTL + 2 × clockSkew + propagation.minimum`, rollbackWindow is
 * rotationWindow, adoption.maxTTL is `tokens.maxTTL`. An interval of 0s without a schedule means only on request.
 *
 * It does not know the resource's past: that secretName can't change, and which requests are new, others check.
 *
 * @throws ChangeNeededError `InvalidSpec` with all problems, one per line: `path: must be …, is …` or `unknown field "path"`.
 *   Values are quoted as `errors/quote.ts` does; after 50 problems only their number follows.
 */
export function parseRotation(value: unknown, options: ParseOptions = {}): Rotation {
  const read = readRotation(value, options);
  if ("refused" in read) throw read.refused;
  return read;
}

/** {@link parseRotation} that throws nothing: where the spec can't be used, an emergency in it is obeyed all the same. */
export function readRotation(
  value: unknown,
  { unknownFields = "refuse" }: ParseOptions = {},
): Rotation | RefusedRotation {
  const problems: string[] = [];
  const warnings: string[] = [];
  const unknown = unknownFields === "warn" ? warnings : problems;
  const root = fieldsOf({ value, path: "", problems, unknown }, ["apiVersion", "kind", "metadata", "spec", "status"]);
  choiceOf(need(root("apiVersion")), [apiVersion]);
  choiceOf(need(root("kind")), [rotations.kind]);
  const metadata = looseFieldsOf(root("metadata"));
  const spec = fieldsOf(root("spec"), specFields);
  const template = fieldsOf(spec("secretTemplate"), ["labels", "annotations", "ringAnnotations"]);
  const rotation = fieldsOf(spec("rotation"), rotationFields);
  const name = textOf(need(metadata("name")), texts.name) ?? "";
  const requestID = textOrEmptyOf(rotation("requestID"), texts.requestID);
  const frame: RotationFrame = {
    ref: { namespace: textOf(metadata("namespace"), texts.namespace) ?? defaults.namespace, name },
    secretName: textOf(spec("secretName"), texts.secretName) ?? name,
    secretTemplate: {
      labels: readTemplateMap(template("labels"), texts.labelValue),
      annotations: readTemplateMap(template("annotations"), texts.annotationValue),
      ringAnnotations: readTemplateMap(template("ringAnnotations"), texts.annotationValue),
    },
    deletionPolicy: choiceOf(spec("deletionPolicy"), ["Retain", "Delete"]) ?? defaults.deletionPolicy,
    ...(requestID !== undefined && { requestID }),
    annotations: readAnnotations(metadata("annotations"), warnings),
    warnings,
  };
  const policy = readPolicy(spec, rotation);
  const refused = problems.length === 0 ? undefined : new ChangeNeededError("InvalidSpec", problemText(problems));
  if (!refused) return { ...frame, policy };
  const { suspend, acknowledgements, profile } = policy;
  const readable = { suspend, acknowledgements, algorithm: profile.algorithm };
  return { ...frame, refused, emergency: readEmergency(spec), readable };
}

/** The requests that stand in the resource now, with their origin as prefix, as the ring remembers them. */
export function requestsOf({ requestID, annotations: { rotateRequestedAt } }: RotationFrame): readonly string[] {
  return [
    ...(requestID === undefined ? [] : [`spec:${requestID}`]),
    ...(rotateRequestedAt === undefined ? [] : [`annotation:${rotateRequestedAt}`]),
  ];
}
