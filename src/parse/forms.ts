import { durationAdvice, formatDuration, readDuration } from "./duration.ts";
import { readInstant, readOwnInstant } from "./instant.ts";

/**
 * What one value may look like. Says nothing of what becomes of a value that does not: a {@link Cursor} throws, a {@link Spot}
 * takes a note.
 */
export interface Form<Value> {
  /** The value as the program has it; undefined when it has another form. */
  readonly read: (value: unknown) => Value | undefined;
  /** Fits after the path: `must be …`. */
  readonly must: string;
  /** What may be meant by a value that is refused; fits behind it and a semicolon. */
  readonly advice?: (value: unknown) => string | undefined;
}

/** A text: its longest form, which form, and how to say that. At least one character, unless the form has none. */
export interface TextLimit {
  /** In UTF-16 units, never fewer than the characters that people and the API server count. */
  readonly most: number;
  readonly form: RegExp;
  /** Fits after the path: `must be …`. */
  readonly must: string;
}

/** Without the control characters of ASCII: a kid or an issuer also goes into headers and log lines. */
export const printable = (most: number): TextLimit => ({
  most,
  form: /^[^\u0000-\u001f\u007f]+$/,
  must: `must be a text of 1 to ${most} characters without control characters`,
});

/** A text within its limit. Half a character (a lone surrogate) would not survive UTF-8. */
export const text = ({ most, form, must }: TextLimit): Form<string> => ({
  read: (value) =>
    typeof value === "string" && value.length <= most && value.isWellFormed() && form.test(value) ? value : undefined,
  must,
});

/** Any text: people's words, and what is read by a reader of its own. */
export const freeText = (least: number, most: number): Form<string> => ({
  read: (value) => (typeof value === "string" && value.length >= least && value.length <= most ? value : undefined),
  must: `must be a text of ${least} to ${most} characters`,
});

/** One of the words. */
export const choice = <const Word extends string>(words: readonly Word[]): Form<Word> => ({
  read: (value) => words.find((word) => word === value),
  must: `must be ${words.length > 1 ? "one of " : ""}${words.join(", ")}`,
});

export const trueOrFalse: Form<boolean> = {
  read: (value) => (typeof value === "boolean" ? value : undefined),
  must: "must be true or false",
};

/** Bounds of a whole number, both allowed. */
export interface WholeBounds {
  readonly least: number;
  readonly most: number;
  readonly multipleOf?: number;
}

/** A whole number that a double holds exactly. `-0` is refused: it would not be written as it was read. */
export const whole = ({ least, most, multipleOf = 1 }: WholeBounds): Form<number> => ({
  read: (value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || Object.is(value, -0)) return undefined;
    return value >= least && value <= most && value % multipleOf === 0 ? value : undefined;
  },
  must: `must be a ${multipleOf === 1 ? "whole number" : `multiple of ${multipleOf}`} from ${least} to ${most}`,
});

/** Least and most of a duration, both allowed, in milliseconds. */
export interface DurationBounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** A duration of whole seconds within its bounds, in milliseconds. */
export const duration = ({ leastMs, mostMs }: DurationBounds): Form<number> => ({
  read: (value) => {
    const ms = typeof value === "string" ? readDuration(value) : undefined;
    return ms !== undefined && ms % 1000 === 0 && ms >= leastMs && ms <= mostMs ? ms : undefined;
  },
  must: `must be whole seconds from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}, written as 1h30m`,
  advice: (value) => (typeof value === "string" ? durationAdvice(value) : undefined),
});

/** An instant as a person writes it, in Unix milliseconds. */
export const instant: Form<number> = {
  read: (value) => (typeof value === "string" ? readInstant(value) : undefined),
  must: "must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z",
};

/** An instant as Keyturn writes it, in Unix milliseconds. */
export const ownInstant: Form<number> = {
  read: (value) => (typeof value === "string" ? readOwnInstant(value) : undefined),
  must: "must be an instant such as 2026-11-21T03:00:00.000Z",
};
