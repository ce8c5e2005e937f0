import { formatDuration, durationMaxLength, durationPattern } from "../../src/parse/duration.ts";
import { fits, soundDuration } from "./cel.ts";
import { type DurationBounds, type TextLimit } from "../../src/parse/forms.ts";

/** A rule in CEL. Of `message` and `messageExpression` the second is what a person reads, the first what its failure leaves. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression?: string;
  /** Where a person finds the mistake, below what the rule stands at: `.rotationWindow`. */
  readonly fieldPath?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden";
}

/** As much of a structural schema as ours need. */
export interface Schema {
  readonly type: "object" | "array" | "string" | "integer" | "boolean";
  readonly description: string;
  readonly format?: "int64" | "int32" | "date-time";
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly "x-kubernetes-list-type"?: "set" | "map" | "atomic";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-validations"?: readonly Rule[];
}

/** What may be said of a value beside its form. */
export type More = Partial<Omit<Schema, "type" | "description">>;

export const object = (description: string, properties: Readonly<Record<string, Schema>>, more: More = {}): Schema => ({
  type: "object",
  description,
  ...more,
  properties,
});

/**
 * A text whose form a rule holds, since what `pattern` answers to a person is the pattern. Only the length is a bound of the
 * schema, which is also what lets the API server estimate the cost of the rule. Other rules may follow.
 */
export const text = (description: string, { most, form, must }: TextLimit, rules: readonly Rule[] = []): Schema => ({
  type: "string",
  description,
  maxLength: most,
  "x-kubernetes-validations": [{ rule: fits("self", form), message: must }, ...rules],
});

/** {@link text}, or the empty text, which charts write for unset. */
export const textOrEmpty = (description: string, { most, form, must }: TextLimit): Schema => ({
  type: "string",
  description,
  maxLength: most,
  "x-kubernetes-validations": [{ rule: `self == "" || ${fits("self", form)}`, message: must }],
});

/** The pattern is for tools that check files without an API server; the rule holds all of it, in the words for people. */
export const duration = (description: string, bounds: DurationBounds, more: More = {}): Schema => ({
  type: "string",
  description: `${description} From ${formatDuration(bounds.leastMs)} to ${formatDuration(bounds.mostMs)}, whole seconds.`,
  pattern: durationPattern,
  maxLength: durationMaxLength,
  ...more,
  "x-kubernetes-validations": [
    {
      rule: soundDuration("self", bounds),
      message: `must be whole seconds from ${formatDuration(bounds.leastMs)} to ${formatDuration(bounds.mostMs)}, written as 1h30m`,
    },
  ],
});

export const choice = (description: string, choices: readonly string[], more: More = {}): Schema => ({
  type: "string",
  description,
  enum: choices,
  ...more,
});

export const flag = (description: string, more: More = {}): Schema => ({ type: "boolean", description, ...more });

export const whole = (description: string, more: More = {}): Schema => ({
  type: "integer",
  format: "int64",
  description,
  ...more,
});

/** What the controller writes. */
export const plain = (description: string, more: More = {}): Schema => ({ type: "string", description, ...more });

export const instant = (description: string): Schema => ({ type: "string", format: "date-time", description });

const array = (items: Schema, description: string, more: More): Schema => ({
  type: "array",
  description,
  ...more,
  items,
});

/** Each item once; two writers can add items of their own. */
export const setOf = (items: Schema, description: string, more: More): Schema =>
  array(items, description, { "x-kubernetes-list-type": "set", ...more });

/** Replaced as a whole. */
export const listOf = (items: Schema, description: string, more: More): Schema =>
  array(items, description, { "x-kubernetes-list-type": "atomic", ...more });

/** One item for each value of the field that is its key. */
export const mapBy = (key: string, items: Schema, more: More & { readonly description: string }): Schema =>
  array(items, more.description, {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": [key],
    ...more,
  });
