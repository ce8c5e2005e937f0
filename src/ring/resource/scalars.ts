import { formatDuration, readDuration } from "../../parse/duration.ts";
import type { DurationBounds, TextLimit } from "./limits.ts";
import { isUnset, refuse, type Spot } from "./spot.ts";

/** A text within its limit; undefined if unset or wrong. Half a character (a lone surrogate) would not survive UTF-8. */
export function textOf(spot: Spot, { most, form, must }: TextLimit): string | undefined {
  const { value } = spot;
  if (isUnset(spot)) return undefined;
  if (typeof value === "string" && value.length <= most && value.isWellFormed() && form.test(value)) return value;
  refuse(spot, typeof value === "string" ? must : `${must}, in quotes`);
  return undefined;
}

/** {@link textOf} for a field in which the empty text means unset, as charts write it. */
export const textOrEmptyOf = (spot: Spot, limit: TextLimit): string | undefined =>
  spot.value === "" ? undefined : textOf(spot, limit);

/** One of the choices; undefined if unset or wrong. */
export function choiceOf<Choice extends string>(spot: Spot, choices: readonly Choice[]): Choice | undefined {
  if (isUnset(spot)) return undefined;
  const found = choices.find((choice) => choice === spot.value);
  if (found === undefined) refuse(spot, `must be ${choices.length > 1 ? "one of " : ""}${choices.join(", ")}`);
  return found;
}

/** True or false; undefined if unset or wrong. */
export function flagOf(spot: Spot): boolean | undefined {
  if (isUnset(spot)) return undefined;
  if (typeof spot.value === "boolean") return spot.value;
  refuse(spot, "must be true or false");
  return undefined;
}

/** A whole number within bounds; undefined if unset or wrong. */
export function wholeOf(
  spot: Spot,
  { least, most, multipleOf }: { readonly least: number; readonly most: number; readonly multipleOf: number },
): number | undefined {
  const { value } = spot;
  if (isUnset(spot)) return undefined;
  if (typeof value === "number" && value >= least && value <= most && value % multipleOf === 0) return value;
  refuse(spot, `must be a multiple of ${multipleOf} from ${least} to ${most}`);
  return undefined;
}

/**
 * A duration of whole seconds within its bounds, in milliseconds; undefined if unset. `NaN` if wrong: every comparison with
 * it and with what is computed from it is false, so no rule complains of a mere consequence.
 */
export function durationOf(spot: Spot, { leastMs, mostMs }: DurationBounds): number | undefined {
  const { value } = spot;
  if (isUnset(spot)) return undefined;
  const ms = typeof value === "string" ? readDuration(value) : undefined;
  if (ms !== undefined && ms % 1000 === 0 && ms >= leastMs && ms <= mostMs) return ms;
  refuse(spot, `must be whole seconds from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}, written as 1h30m`);
  return NaN;
}

const instantForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** True when the calendar and the clock know it: `Date` makes 1 March of 29 February and midnight of 24:00. */
function exists(wallClock: string): boolean {
  const ms = Date.parse(`${wallClock}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(wallClock);
}

/**
 * Unix milliseconds of an RFC 3339 instant as Go reads it (capital T and Z, no leap second), cut to the millisecond;
 * undefined for any other text.
 *
 * @see RFC 3339 §5.6
 */
export function readInstant(text: string): number | undefined {
  const [, wallClock] = instantForm.exec(text) ?? [];
  if (wallClock === undefined || !exists(wallClock)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** An instant in Unix milliseconds; undefined if unset, empty or wrong. */
export function instantOf(spot: Spot): number | undefined {
  const { value } = spot;
  if (isUnset(spot) || value === "") return undefined;
  const ms = typeof value === "string" ? readInstant(value) : undefined;
  if (ms === undefined) refuse(spot, "must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z");
  return ms;
}
