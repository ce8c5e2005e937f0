import { type DurationBounds, printable, type TextLimit } from "../../parse/forms.ts";
import { hourMs, minuteMs, secondMs } from "../../parse/duration.ts";
import { dnsLabel, dnsName, dnsSubdomain } from "../../parse/text-limits.ts";

/**
 * Every bound, default and text of a rule of a JwtKeyRotation, as data: the parser and the CRD (schema and CEL) take them
 * from here, so a person reads the same words whoever refuses. Lengths are UTF-16 units, never fewer than the characters
 * that the API server counts.
 */

/** Wide enough for a demo that rotates every ten seconds and for keys that live ten years. */
export const durations = {
  /** 0s: only on request. */
  interval: { leastMs: 0, mostMs: 87_600 * hourMs },
  propagationMinimum: { leastMs: 0, mostMs: 720 * hourMs },
  maxTTL: { leastMs: secondMs, mostMs: 8760 * hourMs },
  clockSkew: { leastMs: 0, mostMs: hourMs },
  rotationWindow: { leastMs: secondMs, mostMs: 17_520 * hourMs },
  /** 0s: the private half is forgotten as soon as the key is quiesced and its wait is over. */
  rollbackWindow: { leastMs: 0, mostMs: 17_520 * hourMs },
  /** What others minted before may be longer-lived than what Keyturn mints. */
  adoptionMaxTTL: { leastMs: secondMs, mostMs: 87_600 * hourMs },
} as const satisfies Record<string, DurationBounds>;

/** What is in force when a field is unset. Windows follow other fields: see {@link Policy}. */
export const defaults = {
  namespace: "default",
  algorithm: "ES256",
  modulusBits: 3072,
  intervalMs: 720 * hourMs,
  timeZone: "UTC",
  propagationMs: 30 * minuteMs,
  acknowledgements: "Required",
  maxTTLMs: hourMs,
  clockSkewMs: minuteMs,
  deletionPolicy: "Retain",
} as const;

export const modulusBits = { least: 2048, most: 4096, multipleOf: 8 } as const;

/** Most items of a list or entries of a map. */
export const counts = { audiences: 32, revokedKids: 64, templateEntries: 32 } as const;

/**
 * At most this many rotations within rotationWindow + 2 × propagation.minimum: so many retiring keys, the signer, the
 * standby and some room stay below the 16 keys of a ring.
 */
export const rotationsPerWindow = 12;

const labelName = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

export const texts = {
  /** 63, because it is the value of a label. */
  name: dnsName(63),
  namespace: { ...dnsName(63), form: new RegExp(`^${dnsLabel}$`), must: "must be a DNS label of 1 to 63 characters" },
  /** 240 and `-public` stay below the 253 of an object's name. */
  secretName: dnsName(240),
  issuer: printable(512),
  audience: printable(512),
  kid: printable(256),
  reason: printable(256),
  requestID: printable(128),
  rotateRequestedAt: printable(128),
  schedule: printable(128),
  timeZone: printable(64),
  labelKey: {
    most: 317,
    form: new RegExp(`^(?:(?=[^/]{1,253}/)${dnsSubdomain}/)?${labelName}$`),
    must: "must be a label key: an optional DNS name and /, then 1 to 63 of A-Z, a-z, 0-9, -, _ and .",
  },
  labelValue: {
    most: 63,
    form: new RegExp(`^(?:${labelName})?$`),
    must: "must be a label value: up to 63 of A-Z, a-z, 0-9, -, _ and .",
  },
  annotationValue: { most: 4096, form: /^/, must: "must be a text of up to 4096 characters" },
} as const satisfies Record<string, TextLimit>;

/** Rules over several fields: where they are reported, and what must hold. */
export const rules = {
  oneSchedule: { path: "spec.rotation", must: "must set at most one of interval and schedule" },
  timeZoneWithSchedule: { path: "spec.rotation.timeZone", must: "must be set only together with schedule" },
  intervalFitsWindow: {
    path: "spec.rotation.interval",
    must: `must be 0s or at least (rotationWindow + 2 × propagation.minimum) ÷ ${rotationsPerWindow}`,
  },
  scheduleFitsWindow: {
    path: "spec.rotation.schedule",
    must: `must spread ${rotationsPerWindow} runs over at least rotationWindow + 2 × propagation.minimum`,
  },
  windowCoversTokens: { path: "spec.rotationWindow", must: "must be at least maxTTL + 2 × clockSkew" },
  rollbackWithinWindow: { path: "spec.rollbackWindow", must: "must be at most rotationWindow" },
  modulusForRsaOnly: { path: "spec.rsaModulusBits", must: "must be set only with an RS or PS algorithm" },
} as const satisfies Record<string, { readonly path: string; readonly must: string }>;
