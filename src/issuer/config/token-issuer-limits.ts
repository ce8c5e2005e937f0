import { longestSubject } from "./claims.ts";
import { type DurationBounds, ringTexts, type TextLimit, type WholeBounds } from "./fields.ts";
import { hourMs, minuteMs, secondMs } from "../../parse/duration.ts";
import { plainText, webTexts } from "../../parse/text-limits.ts";

/** Every bound and default of a TokenIssuer, as data; docs/token-issuer.md has the same. Lengths are UTF-16 units. */

/** Least and most, both allowed, in milliseconds. */
export const issuerDurations = {
  accessTtl: { leastMs: secondMs, mostMs: 8760 * hourMs },
  /** The most is `longestRefreshTtlMs` of src/grants. */
  refreshTtl: { leastMs: secondMs, mostMs: 2160 * hourMs },
  retryWindow: { leastMs: 0, mostMs: 5 * minuteMs },
  recoverExpired: { leastMs: secondMs, mostMs: 24 * hourMs },
  clockSkew: { leastMs: 0, mostMs: 10 * minuteMs },
  maxAge: { leastMs: minuteMs, mostMs: 8760 * hourMs },
} as const satisfies Record<string, DurationBounds>;

/** In force where a field is unset. */
export const issuerDefaults = {
  retryWindowMs: 30 * secondMs,
  maxRefreshTtlMs: issuerDurations.refreshTtl.mostMs,
  refreshTtlMs: 24 * hourMs,
  clockSkewMs: minuteMs,
  maxAgeMs: 24 * hourMs,
  requestRate: 500,
} as const;

/** Whole numbers, both bounds allowed. */
export const issuerNumbers = { requestRate: { least: 1, most: 100_000 } } as const satisfies Record<
  string,
  WholeBounds
>;

/** The most items of a list or entries of a map. */
export const issuerCounts = {
  clients: 10_000,
  secretFiles: 8,
  audiences: 32,
  scopes: 128,
  globs: 64,
  trust: 64,
  rules: 1000,
  matches: 16,
  carry: 32,
  jwks: 100,
  origins: 64,
} as const;

export const issuerTexts = {
  name: ringTexts.name,
  ...webTexts,
  subject: plainText(longestSubject),
  template: plainText(512),
  audience: ringTexts.audience,
  issuer: ringTexts.issuer,
  claim: plainText(255),
  glob: {
    most: 512,
    form: /^(?!.*\*{3})[^\p{C}\p{Zl}\p{Zp}]+$/u,
    must: "must be a text of 1 to 512 characters without control characters, with at most two stars in a row",
  },
} as const satisfies Record<string, TextLimit>;
