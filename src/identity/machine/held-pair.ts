import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { movedBack } from "../../deadline/clock-look.ts";
import { keepAliveAtMs, type Life, lifeOf, type Receipt, renewAtMs } from "../../deadline/renewal.ts";
import { jsonIn } from "../../parse/json.ts";
import { type Members, membersOf } from "../../parse/object.ts";

/** The tokens that an identity has, in memory and on its disk. Secret. Instants are Unix milliseconds of the own clock. */
export interface HeldPair {
  readonly accessToken: string;
  /** How somebody who refuses the access token names it: see {@link tokenIdOf}. */
  readonly tokenId: string;
  readonly life: Life;
  /** Drawn once for each token, so that a restart changes nothing. */
  readonly renewAtMs: number;
  readonly refresh?: HeldRefreshToken;
  /** Of two pairs the newer one has the higher number; 1 for the first. */
  readonly serial: number;
  /** How many tokens in a row were renewed because somebody refused them. */
  readonly refusals: number;
  /** {@link hashOfToken} of the refresh token that was handed over: what it led to is here, so it is never shown again. */
  readonly handedOver?: string;
}

export interface HeldRefreshToken {
  readonly token: string;
  /** Renewed then, also where nobody uses it; absent where no end is known. */
  readonly keepAliveAtMs?: number;
}

/** What an issuer gave out (RFC 6749 §5.1). Secret. */
export interface IssuedPair {
  readonly accessToken: string;
  readonly expiresInSeconds?: number;
  /** Absent: the one that was shown stays good, if there was one. */
  readonly refreshToken?: string;
  readonly refreshExpiresInSeconds?: number;
  /** The answer's `Date`, as Unix milliseconds. */
  readonly serverNowMs?: number;
  /** {@link hashOfToken} of the first credential, where that was a refresh token. */
  readonly handedOver?: string;
}

export interface Reception {
  /** When it was asked for. Its life counts from there: when it came it may have lived for as long as the answer was on its way. */
  readonly askedAtMs: number;
  /** From 0 to below 1. */
  readonly chance: number;
  /** The pair before it. */
  readonly before?: HeldPair;
  /** It came because somebody refused the one before. */
  readonly isAfterRefusal: boolean;
}

/** The pair as it is held from now on. */
export function heldFrom(issued: IssuedPair, { askedAtMs, chance, before, isAfterRefusal }: Reception): HeldPair {
  const { accessToken, expiresInSeconds, refreshToken, serverNowMs } = issued;
  const { exp } = claimsIn(accessToken);
  const life = sane({
    receivedAtMs: askedAtMs,
    ...(expiresInSeconds !== undefined && { expiresInSeconds }),
    ...(typeof exp === "number" && { exp }),
    ...(serverNowMs !== undefined && { serverNowMs }),
  });
  const handedOver = issued.handedOver ?? before?.handedOver;
  const refresh =
    refreshToken === undefined
      ? stillGood(before?.refresh, askedAtMs)
      : refreshFrom(refreshToken, issued, { askedAtMs, chance });
  return {
    accessToken,
    tokenId: tokenIdOf(accessToken),
    life,
    renewAtMs: Math.floor(renewAtMs(life, chance)),
    ...(refresh && { refresh }),
    serial: (before?.serial ?? 0) + 1,
    refusals: isAfterRefusal ? (before?.refusals ?? 0) + 1 : 0,
    ...(handedOver !== undefined && { handedOver }),
  };
}

/** More than ten years would be a mistake, and less than nothing, too: a date that can't be written. */
const longestLifeMs = 315_360_000_000;

function sane(receipt: Receipt): Life {
  const { receivedAtMs, expiresAtMs } = lifeOf(receipt);
  if (expiresAtMs === undefined) return { receivedAtMs };
  return {
    receivedAtMs,
    expiresAtMs: receivedAtMs + Math.min(longestLifeMs, Math.max(0, Math.floor(expiresAtMs - receivedAtMs))),
  };
}

function refreshFrom(
  token: string,
  { refreshExpiresInSeconds: seconds }: IssuedPair,
  { askedAtMs, chance }: Pick<Reception, "askedAtMs" | "chance">,
): HeldRefreshToken {
  if (seconds === undefined) return { token };
  const life = lifeOf({ receivedAtMs: askedAtMs, expiresInSeconds: seconds });
  return { token, keepAliveAtMs: Math.floor(keepAliveAtMs(life, chance)) };
}

/** One that a renewal did not replace. Where that did not keep it alive, nothing does: it is used to its end, and not each second. */
const stillGood = (refresh: HeldRefreshToken | undefined, nowMs: number): HeldRefreshToken | undefined =>
  refresh?.keepAliveAtMs !== undefined && refresh.keepAliveAtMs <= nowMs ? { token: refresh.token } : refresh;

/** Beside an access token that has ended when it came the rest is good: callers keep the one before it. */
export const withTokenOf = (
  { accessToken, tokenId, life, renewAtMs: atMs, refusals }: HeldPair,
  next: HeldPair,
): HeldPair => ({ ...next, accessToken, tokenId, life, renewAtMs: atMs, refusals });

/** The pair without its refresh token, which is good for nothing any more. */
export const withoutRefresh = ({ refresh: _dead, ...pair }: HeldPair): HeldPair => ({
  ...pair,
  serial: pair.serial + 1,
});

/** The same pair on a clock that was set back. */
export const heldBack = (pair: HeldPair, byMs: number): HeldPair => ({
  ...pair,
  life: movedBack(pair.life, byMs),
  renewAtMs: pair.renewAtMs - byMs,
  ...(pair.refresh && {
    refresh: {
      token: pair.refresh.token,
      ...(pair.refresh.keepAliveAtMs !== undefined && { keepAliveAtMs: pair.refresh.keepAliveAtMs - byMs }),
    },
  }),
});

/**
 * The pair as it was found at a start. One from the future tells that the clock was set back while nothing ran: nobody knows what is left of it,
 * so it has ended. (By how much less than its age a clock was set back nobody can see.)
 */
export function foundAt(pair: HeldPair, nowMs: number): HeldPair {
  const { life, renewAtMs: atMs } = pair;
  return life.receivedAtMs <= nowMs ? pair : heldBack(pair, (life.expiresAtMs ?? atMs) - nowMs);
}

/** The newer of two pairs of one identity. */
export const newerOf = (held: HeldPair | undefined, stored: HeldPair | undefined): HeldPair | undefined =>
  (stored?.serial ?? 0) > (held?.serial ?? 0) ? stored : held;

/** The claim `jti`; for a token that has none that can be read, {@link hashOfToken}. */
export function tokenIdOf(accessToken: string): string {
  const { jti } = claimsIn(accessToken);
  return typeof jti === "string" && jti !== "" ? jti : hashOfToken(accessToken);
}

/** 16 bytes of SHA-256 in base64url: names a token that is random, and does not give it away. */
export const hashOfToken = (token: string): string =>
  createHash("sha256").update(token).digest().subarray(0, 16).toString("base64url");

/** Nobody needs to be told when it ends. */
export const saysEnd = (accessToken: string): boolean => typeof claimsIn(accessToken)["exp"] === "number";

/** What a token says of itself; nobody has verified it. Empty for one that is no JWT. */
const claimsIn = (token: string): Members =>
  membersOf(jsonIn(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
