import { type HeldPair, type IssuedPair, tokenIdOf } from "../../../src/identity/machine/held-pair.ts";

export const startMs = 1_800_000_000_000;
export const [secondMs, minuteMs, hourMs, dayMs] = [1000, 60_000, 3_600_000, 86_400_000] as const;

/** Long enough for quotes to hide it: who finds it in a message has found a leak. */
export const secretText = (name: string): string => `${name}-${"x".repeat(40)}`;

export const jwtWith = (claims: object): string =>
  ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");

/** The nth pair of a grant: an hour for the access token, a day for the refresh token. */
export const issuedPair = (n: number, more: Partial<IssuedPair> = {}): IssuedPair => ({
  accessToken: jwtWith({ jti: `id-${n}` }),
  expiresInSeconds: 3600,
  refreshToken: secretText(`refresh-${n}`),
  refreshExpiresInSeconds: 86_400,
  ...more,
});

/** As it is held when it came `ageMs` ago, without jitter. */
export function heldPair(n: number, { ageMs = 0, lifeMs = hourMs, ...more }: HeldOptions = {}): HeldPair {
  const receivedAtMs = startMs - ageMs;
  const accessToken = jwtWith({ jti: `id-${n}` });
  return {
    accessToken,
    tokenId: tokenIdOf(accessToken),
    life: { receivedAtMs, expiresAtMs: receivedAtMs + lifeMs },
    renewAtMs: receivedAtMs + 0.8 * lifeMs,
    refresh: { token: secretText(`refresh-${n}`), keepAliveAtMs: receivedAtMs + 0.8 * dayMs },
    serial: n,
    refusals: 0,
    ...more,
  };
}

type HeldOptions = Partial<HeldPair> & { readonly ageMs?: number; readonly lifeMs?: number };
