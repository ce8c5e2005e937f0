import { shown } from "../errors/quote.ts";
import {
  choice,
  duration,
  type DurationBounds,
  trueOrFalse,
  type Form,
  instant,
  text,
  type TextLimit,
  whole,
  type WholeBounds,
} from "./forms.ts";
import { isUnset, refuse, type Spot } from "./spot.ts";

/** The value in the form; undefined if unset or wrong, which is noted. */
export function read<Value>(spot: Spot, form: Form<Value>, must = form.must): Value | undefined {
  if (isUnset(spot)) return undefined;
  const value = form.read(spot.value);
  if (value === undefined) refuse(spot, must, `is ${shown(spot.value)}${adviceOn(spot.value, form)}`);
  return value;
}

function adviceOn(value: unknown, { advice }: Form<unknown>): string {
  const text = advice?.(value);
  return text === undefined ? "" : `; ${text}`;
}

/** A text within its limit; undefined if unset or wrong. What YAML takes for a number, a truth or an instant is told how to be a text. */
export const textOf = (spot: Spot, limit: TextLimit): string | undefined =>
  read(spot, text(limit), typeof spot.value === "string" ? limit.must : `${limit.must}, in quotes`);

/** {@link textOf} for a field in which the empty text means unset, as charts write it. */
export const textOrEmptyOf = (spot: Spot, limit: TextLimit): string | undefined =>
  spot.value === "" ? undefined : textOf(spot, limit);

/** One of the choices; undefined if unset or wrong. */
export const choiceOf = <Choice extends string>(spot: Spot, choices: readonly Choice[]): Choice | undefined =>
  read(spot, choice(choices));

/** True or false; undefined if unset or wrong. */
export const flagOf = (spot: Spot): boolean | undefined => read(spot, trueOrFalse);

/** A whole number within its bounds; undefined if unset or wrong. */
export const wholeOf = (spot: Spot, bounds: WholeBounds): number | undefined => read(spot, whole(bounds));

/**
 * A duration of whole seconds within its bounds, in milliseconds; undefined if unset. `NaN` if wrong: every comparison with
 * it and with what is computed from it is false, so no rule complains of a mere consequence.
 */
export const durationOf = (spot: Spot, bounds: DurationBounds): number | undefined =>
  read(spot, duration(bounds)) ?? (isUnset(spot) ? undefined : NaN);

/** An instant in Unix milliseconds; undefined if unset, empty or wrong. */
export const instantOf = (spot: Spot): number | undefined => (spot.value === "" ? undefined : read(spot, instant));
