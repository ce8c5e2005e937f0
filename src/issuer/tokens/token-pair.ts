import type { RefreshToken } from "../../grants/refresh-token.ts";
import { formatRefreshToken } from "../../grants/refresh-token.ts";
import { accessEndsAtMs } from "../../grants/lifetime.ts";
import { sidOf, type GrantRow, type GrantTerms } from "../store/grant-row.ts";
import type { Signing } from "./issuer-parts.ts";

/** What is given out. Secret. */
export interface TokenPair {
  readonly kind: "pair";
  readonly accessToken: string;
  /** Unix milliseconds, as the token itself says. */
  readonly accessTokenExpiresAtMs: number;
  /** Absent where the caller gets an access token alone. */
  readonly refresh?: {
    readonly token: string;
    /** Unix milliseconds. */
    readonly expiresAtMs: number;
    /** How far the next renewal moves the end, in milliseconds. */
    readonly ttlMs: number;
  };
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
}

/** What an access token says, beside the claims that the minter sets itself (RFC 9068 §2.2). */
function claimsOf(
  terms: GrantTerms,
  scopes: readonly string[],
  grantId?: Uint8Array,
): Readonly<Record<string, unknown>> {
  const { claims, clientId, askedRefreshTtl, keyThumbprint } = terms;
  return {
    ...claims,
    client_id: clientId,
    ...(grantId && { sid: sidOf(grantId) }),
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    ...(askedRefreshTtl !== undefined && { meta: { refreshTokenTtl: askedRefreshTtl } }),
    // RFC 9449 §6.1
    ...(keyThumbprint !== undefined && { cnf: { jkt: keyThumbprint } }),
  };
}

/** How one access token differs from what the grant allows. */
export interface AccessRequest {
  readonly nowMs: number;
  /** No longer than that, in milliseconds. @default the grant's */
  readonly maxAccessTtlMs?: number;
  /** A part of the grant's scopes (RFC 6749 §6). @default all of them */
  readonly scopes?: readonly string[];
}

/** Without a grant: an access token alone. */
export type Signed = { readonly terms: GrantTerms } | (GrantRow & { readonly token: RefreshToken });

/**
 * Signs the access token of what was granted, after its row was written: a signature that fails is a lost answer.
 *
 * @throws TryLaterError `MintFenced`
 */
export function signPair(signing: Signing, of: Signed, request: AccessRequest): TokenPair {
  const { terms } = of;
  const { nowMs, maxAccessTtlMs = Infinity, scopes = terms.scopes } = request;
  const ttlMs = Math.min(terms.accessTtlMs, maxAccessTtlMs);
  const grant = "grant" in of ? of.grant : undefined;
  const leftMs = accessEndsAtMs(ttlMs, nowMs, grant?.notAfterMs) - nowMs;
  const { token, expiresAtMs } = signing.mint({
    type: "at+jwt",
    subject: terms.subject,
    audience: terms.audiences,
    ttlMs: Math.max(1000, Math.floor(leftMs / 1000) * 1000),
    claims: claimsOf(terms, scopes, grant?.id),
    ...(grant && { idPrefix: `${sidOf(grant.id)}.` }),
  });
  return {
    kind: "pair",
    accessToken: token,
    accessTokenExpiresAtMs: expiresAtMs,
    ...("token" in of && {
      refresh: {
        token: formatRefreshToken(of.token),
        expiresAtMs: of.grant.expiresAtMs,
        ttlMs: of.grant.refreshTtlMs,
      },
    }),
    subject: terms.subject,
    audiences: terms.audiences,
    scopes,
  };
}
