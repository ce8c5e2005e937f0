/** How long a token lives, on the clock of whoever holds it. Instants are Unix milliseconds. */
export interface Life {
  /** When it came; or when it was asked for, which is never too late. */
  readonly receivedAtMs: number;
  /** Exclusive. Absent for a token that says no end. */
  readonly expiresAtMs?: number;
}

/** What the issuer said of a token, and when. */
export interface Receipt {
  /** When the answer came; or, not to take the time that it was on its way for life, when it was asked for. */
  readonly receivedAtMs: number;
  /** `expires_in` of the answer (RFC 6749 §5.1): it counts from receipt, so no clock has to be right. */
  readonly expiresInSeconds?: number;
  /** The claim `exp`, where there is no `expires_in`: an instant of the issuer's clock. */
  readonly exp?: number;
  /** The answer's `Date` (RFC 9110 §6.6.1), as Unix milliseconds: how far the issuer's clock is from ours. */
  readonly serverNowMs?: number;
}

/** A token's life on the own clock. Without any end in the receipt it has none. */
export function lifeOf({ receivedAtMs, expiresInSeconds, exp, serverNowMs = receivedAtMs }: Receipt): Life {
  if (expiresInSeconds !== undefined) return { receivedAtMs, expiresAtMs: receivedAtMs + expiresInSeconds * 1000 };
  return exp === undefined
    ? { receivedAtMs }
    : { receivedAtMs, expiresAtMs: exp * 1000 - (serverNowMs - receivedAtMs) };
}

const secondMs = 1000;
const hourMs = 3_600_000;

/** Of its life a token has lived so much when it is renewed, at the latest. */
const share = 0.8;
/** So much of that the renewal may come sooner: 70 to 80 % of the life. */
const spread = 1 / 8;
const soonestMs = secondMs;
const latestMs = 12 * hourMs;
/** For a token that says no end. */
const endlessMs = 6 * hourMs;

/**
 * When a token is to be renewed: after 80 % of its life, less a jitter of up to 10 % of it; not within a second, and not later than after
 * twelve hours, both with the same jitter; after six hours where it has no end. Always before its end.
 *
 * @param jitter - From 0 to below 1, drawn once for each token
 */
export function renewAtMs({ receivedAtMs, expiresAtMs }: Life, jitter: number): number {
  const lifeMs = expiresAtMs === undefined ? undefined : Math.max(0, expiresAtMs - receivedAtMs);
  const baseMs = lifeMs === undefined ? endlessMs : Math.min(share * lifeMs, latestMs);
  // A life of about a second has no room for the least wait
  const floorMs = Math.min(soonestMs, baseMs);
  return receivedAtMs + Math.max(floorMs, baseMs * (1 - spread * jitter));
}

/**
 * When a refresh token that nobody uses is to be renewed, so that it does not end: after 80 % of its life, less a jitter of up to 10 % of
 * it, however long that is. Never for one without an end.
 *
 * @param jitter - From 0 to below 1, drawn once for each token
 */
export const keepAliveAtMs = (life: Life, jitter: number): number =>
  life.receivedAtMs + share * lengthMs(life) * (1 - spread * jitter);

/** Whoever uses it now must get a newer one first: less than a minute, or a fifth of its life, is left. */
export function isDueOnUse(life: Life, nowMs: number): boolean {
  return leftMs(life, nowMs) < Math.min(60 * secondMs, lengthMs(life) / 5);
}

/** At start it is renewed before anything else: less than a sixteenth of its life is left, as 30 minutes are of 8 hours. */
export function isDueAtStart(life: Life, nowMs: number): boolean {
  return leftMs(life, nowMs) < lengthMs(life) / 16;
}

/**
 * Until when a new token is left alone, unless somebody asks by hand: for a second; and where the tokens before it were refused one after
 * the other, for 2, 4, … 60 s, so that who refuses every token causes no storm. At most 70 % of its life, when it is renewed anyway; of a second
 * where it has ended when it comes.
 *
 * @param refusals - How many tokens in a row were renewed because somebody refused them
 */
export function throttledUntilMs(life: Life, refusals: number): number {
  const waitMs = Math.min(60 * secondMs, soonestMs * 2 ** Math.min(refusals, 10));
  return life.receivedAtMs + Math.min(waitMs, share * (1 - spread) * Math.max(secondMs, lengthMs(life)));
}

/** It had ended when it came. */
export const neverLived = (life: Life): boolean => lengthMs(life) <= 0;

/** The token is good no longer. */
export const hasEnded = (life: Life, nowMs: number): boolean => leftMs(life, nowMs) <= 0;

const leftMs = ({ expiresAtMs = Infinity }: Life, nowMs: number): number => expiresAtMs - nowMs;

const lengthMs = ({ receivedAtMs, expiresAtMs = Infinity }: Life): number => Math.max(0, expiresAtMs - receivedAtMs);
