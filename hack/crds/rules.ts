import { algorithms, isRsa } from "../../src/ring/key.ts";
import { defaults, durations, rotationsPerWindow, rules, texts } from "../../src/ring/resource/limits.ts";
import { all, any, clean, fits, formatted, implies, quoted, seconds, shown, within } from "./cel.ts";
import { cronFieldMust, cronFields, timeZoneMust, zoneName } from "../../src/ring/schedule.ts";
import type { Rule } from "./schema.ts";

// A rule over several fields speaks up only where each of them is sound: else it would complain of a mere consequence.

const W = "self.rotationWindow";
const R = "self.rollbackWindow";
const T = "self.tokens.maxTTL";
const S = "self.tokens.clockSkew";
const P = "self.propagation.minimum";
const I = "self.rotation.interval";

const [inW, inR, inT, inS, inP, inI] = [
  within(W, durations.rotationWindow),
  within(R, durations.rollbackWindow),
  within(T, durations.maxTTL),
  within(S, durations.clockSkew),
  within(P, durations.propagationMinimum),
  within(I, durations.interval),
];

/** Seconds for which some verifier accepts a token, at most. */
const tokensLive = `(${seconds(T)} + 2 * ${seconds(S)})`;

/** Seconds of the rotation window in force. */
const windowInForce = `(has(${W}) ? ${seconds(W)} : ${tokensLive} + ${seconds(P)})`;
const windowIsWithin = `has(${W}) ? ${inW} : ${all(inT, inS, inP)}`;

const hasInterval = `has(self.rotation) && has(${I})`;
const intervalInForce = `(${hasInterval} ? ${seconds(I)} : ${defaults.intervalMs / 1000})`;

/** Seconds in which at most {@link rotationsPerWindow} rotations may begin. */
const spread = `(${windowInForce} + 2 * ${seconds(P)})`;
const leastInterval = `(${spread} + ${rotationsPerWindow - 1}) / ${rotationsPerWindow}`;

/** Beside these there are only RSA, and what the schema refuses anyway. */
const withoutModulus = algorithms.filter((algorithm) => !isRsa(algorithm));

/** What a rule that stands at `base` says, and where it points to: `.rotationWindow`. */
function at(base: string, { path, must }: { path: string; must: string }): Pick<Rule, "message" | "fieldPath"> {
  const below = path.slice(base.length);
  return { message: must, ...(below !== "" && { fieldPath: below }) };
}

/** `must be … = 1h2m, is 1h`: what the bound comes to, and what is in force, both given in seconds; then any other text. */
const comparison = (must: string, [bound, is]: readonly [string, string], more = '""'): string =>
  `${quoted(`${must} = %s, is %s%s`)}.format([${formatted(bound)}, ${formatted(is)}, ${more}])`;

/** Rules over fields of `spec`; the rules of src/ring/resource/policy.ts, in the same words. */
export const specRules: readonly Rule[] = [
  {
    rule: implies(all(`has(${W})`, clean(`[${W}, ${T}, ${S}]`), inW, inT, inS), `${seconds(W)} >= ${tokensLive}`),
    ...at("spec", rules.windowCoversTokens),
    messageExpression: comparison(rules.windowCoversTokens.must, [tokensLive, seconds(W)]),
  },
  {
    rule: implies(
      all(`has(${R})`, clean(`(has(${W}) ? [${R}, ${W}] : [${R}, ${T}, ${S}, ${P}])`), inR, windowIsWithin),
      `${seconds(R)} <= ${windowInForce}`,
    ),
    ...at("spec", rules.rollbackWithinWindow),
    messageExpression: comparison(rules.rollbackWithinWindow.must, [windowInForce, seconds(R)]),
  },
  {
    rule: implies(
      all(
        "!(has(self.rotation) && has(self.rotation.schedule))",
        clean(`(has(${W}) ? [${W}, ${P}] : [${T}, ${S}, ${P}])`),
        windowIsWithin,
        inP,
        `!(${hasInterval}) || ${all(clean(`[${I}]`), inI)}`,
      ),
      any(`${intervalInForce} == 0`, `${rotationsPerWindow} * ${intervalInForce} >= ${spread}`),
    ),
    ...at("spec", rules.intervalFitsWindow),
    messageExpression: comparison(
      rules.intervalFitsWindow.must,
      [leastInterval, intervalInForce],
      `${hasInterval} ? "" : ", the default"`,
    ),
  },
  {
    rule: implies("has(self.rsaModulusBits)", `!(self.algorithm in ${JSON.stringify(withoutModulus)})`),
    ...at("spec", rules.modulusForRsaOnly),
    messageExpression: `${quoted(`${rules.modulusForRsaOnly.must}, is set with `)} + self.algorithm`,
  },
];

/** Rules over fields of `spec.rotation`. */
export const rotationRules: readonly Rule[] = [
  {
    rule: "!(has(self.interval) && has(self.schedule))",
    message: `${rules.oneSchedule.must}, sets both`,
  },
  {
    rule: implies("has(self.timeZone)", "has(self.schedule)"),
    ...at("spec.rotation", rules.timeZoneWithSchedule),
    messageExpression: `${quoted(`${rules.timeZoneWithSchedule.must}, is `)} + ${shown("self.timeZone")}`,
  },
];

const namesZone = 'self.matches("^ *(CRON_)?TZ=")';
const isMacro = 'self.matches("(?i)^ *@(yearly|annually|monthly|weekly|daily|midnight|hourly) *$")';
const hasFiveFields = 'self.matches("^ *[^ ]+( +[^ ]+){4} *$")';

const months = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const weekdays = "sun|mon|tue|wed|thu|fri|sat";

/** What one value of each field may be, in its order; zeros in front mean nothing. */
const cronValues: Readonly<Record<(typeof cronFields)[number], string>> = {
  "minute (0-59)": "0*[0-5]?[0-9]",
  "hour (0-23)": "0*(1?[0-9]|2[0-3])",
  "day (1-31)": "0*([1-9]|[12][0-9]|3[01])",
  "month (1-12, JAN-DEC)": `0*([1-9]|1[0-2])|${months}`,
  "weekday (0-7, SUN-SAT)": `0*[0-7]|${weekdays}`,
};

/** CEL: the field at this place has values within its range, in lists, ranges and steps. */
function cronFieldFits(index: number, value: string): string {
  const item = `([*?]|(${value})(-(${value}))?)(/0*[1-9][0-9]*)?`;
  return `self.matches("(?i)^ *([^ ]+ +){${index}}${item}(,${item})*( |$)")`;
}

/** As much of src/ring/schedule.ts as CEL can say: which days exist, and how close the runs are, only the parser knows. */
export const scheduleRules: readonly Rule[] = [
  { rule: `!${namesZone}`, message: "must not name a time zone, timeZone does that" },
  {
    rule: implies(all(fits("self", texts.schedule.form), `!${namesZone}`), any(isMacro, hasFiveFields)),
    message: "must have five fields: minute hour day month weekday",
  },
  ...cronFields.map((name, index) => ({
    rule: implies(hasFiveFields, cronFieldFits(index, cronValues[name])),
    message: cronFieldMust(name),
  })),
];

/** The form of src/ring/schedule.ts; which zones there are, only the parser knows. */
export const timeZoneRules: readonly Rule[] = [
  { rule: implies(fits("self", texts.timeZone.form), fits("self", zoneName)), message: timeZoneMust },
];
