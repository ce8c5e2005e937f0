/** Units of time in milliseconds; a day without a change of the clock. */
export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/**
 * The form of every duration in YAML and in flags, as an RE2 and ECMAScript pattern for the CRD. All that fits it is read
 * alike by Go's `time.ParseDuration` and by CEL's `duration()`; of what Go takes beyond, signs are refused because no
 * duration of ours may be negative, `µs` and `ns` because nothing here is so short, a bare `0`, `.5h` and `1.h` because
 * one way to write it is enough.
 */
export const durationPattern = "^([0-9]+(\\.[0-9]+)?(h|m|s|ms))+$";

/** The most characters of a duration: enough for anything sensible, and a bound for what CEL may cost. */
export const durationMaxLength = 32;

const unitMs = { h: hourMs, m: minuteMs, s: secondMs, ms: 1 };
const form = new RegExp(durationPattern);
const part = /([0-9]+)(?:\.([0-9]+))?(h|ms|m|s)/g;

/** The most that Go's `time.Duration` holds, 2⁶³ − 1 ns, in whole milliseconds: about 292 years. */
const mostMs = 9_223_372_036_854n;

const isUnit = (text: string | undefined): text is keyof typeof unitMs => text !== undefined && text in unitMs;

/** One number with its unit in milliseconds; undefined when that is not a whole number. */
function partMs([, whole = "", fraction = "", unit]: RegExpExecArray): bigint | undefined {
  if (!isUnit(unit)) return undefined;
  const scale = 10n ** BigInt(fraction.length);
  const scaledMs = BigInt(whole + fraction) * BigInt(unitMs[unit]);
  return scaledMs % scale === 0n ? scaledMs / scale : undefined;
}

/**
 * A duration such as `90m`, `1h30m`, `1.5h`, `720h` or `0s` in milliseconds, 0 or more, exactly; undefined when the text
 * has another form, is longer than {@link durationMaxLength}, has a fraction of a millisecond or exceeds 292 years.
 *
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function readDuration(text: string): number | undefined {
  if (text.length > durationMaxLength || !form.test(text)) return undefined;
  let sumMs = 0n;
  for (const match of text.matchAll(part)) {
    const ms = partMs(match);
    if (ms === undefined) return undefined;
    sumMs += ms;
  }
  return sumMs <= mostMs ? Number(sumMs) : undefined;
}

const wordsOfUnits: readonly (readonly [form: RegExp, unit: string])[] = [
  [/weeks?|wks?|w/g, "w"],
  [/days?|d/g, "d"],
  [/hours?|hrs?|h/g, "h"],
  [/milliseconds?|millis|msecs?|ms/g, "ms"],
  [/minutes?|mins?|m(?!s)/g, "m"],
  [/seconds?|secs?|(?<!m)s/g, "s"],
];

/** What may be meant by a text that {@link readDuration} does not take: `30d` is `720h`. Fits behind `must be …;`; undefined where nobody knows. */
export function durationAdvice(given: string): string | undefined {
  if (given.length > durationMaxLength || readDuration(given) !== undefined) return undefined;
  const text = given.trim();
  if (readDuration(text) !== undefined) return "without anything around it";
  // Said as it is: no line break, no control of a terminal
  if (/\p{C}/u.test(text)) return undefined;
  if (/^\d+$/.test(text)) return `it needs a unit: ${text}s, ${text}m or ${text}h`;
  const plain = text.toLowerCase().replaceAll(/[\s,]|and/g, "");
  const short = wordsOfUnits.reduce((now, [words, unit]) => now.replaceAll(words, unit), plain);
  const hours = short.replaceAll(/(\d+)([wd])/g, (_, n: string, unit) => `${Number(n) * (unit === "w" ? 168 : 24)}h`);
  const ms = readDuration(hours);
  if (ms === undefined) return undefined;
  const missing = [short.includes("w") ? ["weeks"] : [], short.includes("d") ? ["days"] : []].flat().join(" and no ");
  return `${missing === "" ? "" : `there are no ${missing}: `}${text} is ${formatDuration(ms)}`;
}

/**
 * The shortest text that {@link readDuration} reads as this duration in the units h, m and s: `720h`, `1h30m`, `45s`,
 * `1.5s`, `0s`; less than a second in ms: `500ms`.
 *
 * @param ms A whole number, 0 or more.
 * @throws RangeError for anything else: that is a mistake in the program.
 */
export function formatDuration(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`Cannot format a duration of ${ms} ms`);
  if (ms === 0) return "0s";
  if (ms < unitMs.s) return `${ms}ms`;
  const hours = Math.floor(ms / unitMs.h);
  const minutes = Math.floor((ms % unitMs.h) / unitMs.m);
  const seconds = (ms % unitMs.m) / unitMs.s;
  return [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`].filter(Boolean).join("");
}
