import { type DurationBounds } from "../../src/parse/forms.ts";

/** A text as CEL writes it; its escapes are those of JSON. */
export const quoted = (value: string): string => JSON.stringify(value);

/** RE2 writes a code point in another way; the rest of our patterns means the same there. */
const re2 = (form: RegExp): string => form.source.replace(/\\u([0-9a-f]{4})/g, "\\x{$1}");

/** CEL: the text has this form. */
export const fits = (value: string, form: RegExp): string => `${value}.matches(${quoted(re2(form))})`;

/**
 * A duration that Go can hold. What fits the pattern of durations and not this is longer than ten years, our longest bound;
 * what fits adds up to less than 292 years in 32 characters, so `duration()` never fails.
 */
const tame = /^(0*([0-9]{1,5}(\.[0-9]+)?h|[0-9]{1,7}(\.[0-9]+)?m|[0-9]{1,9}(\.[0-9]+)?s|[0-9]{1,12}(\.[0-9]+)?ms))+$/;

/** CEL: seconds of a {@link clean} text. */
export const seconds = (value: string): string => `duration(${value}).getSeconds()`;

/** By way of an instant, since that is the only way from a number of seconds back to something that can be compared. */
const isWhole = (value: string): string => `timestamp(0) + duration(${value}) == timestamp(${seconds(value)})`;

/** CEL: a {@link clean} text is within its bounds, both allowed. The pattern has no sign, so everything is from 0s up. */
export const within = (value: string, { leastMs, mostMs }: DurationBounds): string =>
  (leastMs === 0 ? "" : `${seconds(value)} >= ${leastMs / 1000} && `) + `${seconds(value)} <= ${mostMs / 1000}`;

/** CEL: every text of a list is a duration of whole seconds that can be computed with. */
export const clean = (list: string): string => `${list}.all(d, ${fits("d", tame)} && ${isWhole("d")})`;

/** CEL: the text is a duration of whole seconds within the bounds. */
export const soundDuration = (value: string, bounds: DurationBounds): string =>
  `${fits(value, tame)} && ${isWhole(value)} && ${within(value, bounds)}`;

/**
 * CEL: a number of seconds, given as an expression, written as `1h2m`; the same text as `formatDuration` makes. `format`,
 * because the API server takes what `string()` makes of a number for endlessly long when it estimates costs.
 */
export function formatted(value: string): string {
  const part = (count: string, unit: string): string => `${count} > 0 ? "%d${unit}".format([${count}]) : ""`;
  const parts = [part("s / 3600", "h"), part("s % 3600 / 60", "m"), part("s % 60", "s")].join(", ");
  // The only way to give a name to a value
  return `[${value}].map(s, s == 0 ? "0s" : "%s%s%s".format([${parts}]))[0]`;
}

/** CEL: a text in quotes, cut at 64 characters, as Keyturn's own messages show it. */
export const shown = (value: string): string =>
  `(${value}.size() > 64 ? strings.quote(${value}.substring(0, 64)) + "… (cut)" : strings.quote(${value}))`;

export const all = (...conditions: readonly string[]): string => conditions.map(grouped).join(" && ");
export const any = (...conditions: readonly string[]): string => conditions.map(grouped).join(" || ");
/** CEL: where the first holds, the second does, too. */
export const implies = (condition: string, then: string): string => `!(${condition}) || (${then})`;

const grouped = (expression: string): string => (/ \|\| | && | \? /.test(expression) ? `(${expression})` : expression);
