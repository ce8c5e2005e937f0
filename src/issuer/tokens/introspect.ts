import { parseRefreshToken } from "../../grants/refresh-token.ts";
import { renew } from "../../grants/renew.ts";
import { grantIdOf, sidOf } from "../store/grant-row.ts";
import { verifyingOf } from "./issue-pair.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** RFC 7662 §2.2. Of what is dead, unknown or made up it says no more than that it is not active. */
export type Introspection =
  | { readonly active: false }
  | (Readonly<Record<string, unknown>> & {
      readonly active: true;
      readonly token_type: "Bearer" | "refresh_token";
      /** Seconds since 1970. */
      readonly exp: number;
    });

const dead: Introspection = { active: false };

/**
 * Whether a token is good now, and what it says. Writes nothing: an old refresh token that is looked at ends no grant.
 *
 * @throws TryLaterError `StoreAway`, `NotReady`
 */
export async function introspect(parts: IssuerParts, token: string): Promise<Introspection> {
  const refresh = parseRefreshToken(token);
  return refresh === undefined ? introspectAccess(parts, token) : ofRefreshToken(parts, refresh);
}

/** As {@link introspect}, of an access token alone: a refresh token is none. */
export async function introspectAccess(parts: IssuerParts, token: string): Promise<Introspection> {
  const { revoked, store } = parts;
  const verdict = verifyingOf(parts).verify(token);
  if (!verdict.ok || revoked.has(verdict.claims)) return dead;
  const { sid } = verdict.claims;
  const grantId = typeof sid === "string" ? grantIdOf(sid) : undefined;
  if (grantId !== undefined) {
    // The database's word, not the memory's: another replica may have revoked it a moment ago
    const row = await store.find(grantId);
    if (row === undefined || row.grant.revoked) return dead;
  }
  return { ...verdict.claims, active: true, token_type: "Bearer", exp: Math.floor(verdict.expiresAtMs / 1000) };
}

async function ofRefreshToken(
  { store, callers, verifying: verifyingNow, nowMs, randomBytes }: IssuerParts,
  shown: NonNullable<ReturnType<typeof parseRefreshToken>>,
): Promise<Introspection> {
  const row = await store.find(shown.grantId);
  if (row === undefined) return dead;
  const { grant, terms } = row;
  const { retryWindowMs } = callers.config;
  // What would become of it, were it shown now
  const request = { shown, isProven: false, nowMs: nowMs(), salt: randomBytes(32), policy: { retryWindowMs } };
  const { kind } = renew(grant, request);
  if (kind !== "renewed" && kind !== "replayed") return dead;
  const verifying = verifyingNow();
  const { subject, clientId, audiences, scopes, askedRefreshTtl } = terms;
  return {
    active: true,
    token_type: "refresh_token",
    exp: Math.floor(grant.expiresAtMs / 1000),
    iat: Math.floor((grant.replacedAtMs[0] ?? grant.createdAtMs) / 1000),
    sub: subject,
    client_id: clientId,
    aud: audiences,
    sid: sidOf(grant.id),
    ...(verifying && { iss: verifying.issuers[0] }),
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    ...(askedRefreshTtl !== undefined && { meta: { refreshTokenTtl: askedRefreshTtl } }),
  };
}
