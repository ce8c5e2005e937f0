import { type GrantRow, sidOf, stateOfGrant } from "../../issuer/store/grant-row.ts";
import { formatDuration } from "../../parse/duration.ts";
import { formatInstant } from "../../parse/instant.ts";

/**
 * A grant for programs, field by field: no hash, no key and nothing that a refresh token could be made from. `keyThumbprint` is that of
 * a public key, which stands in every token.
 */
export function grantDocument({ grant, terms }: GrantRow, nowMs: number): object {
  const { notAfterMs, revoked, replacedAtMs, recoveredUnderMs } = grant;
  const { foreign, scopes, claims, askedRefreshTtl, keyThumbprint, parentId } = terms;
  const renewedAtMs = replacedAtMs[0];
  return {
    id: sidOf(grant.id),
    state: stateOfGrant(grant, nowMs),
    subject: terms.subject,
    clientId: terms.clientId,
    ...(foreign && { foreign }),
    ...(parentId && { parent: sidOf(parentId) }),
    audiences: terms.audiences,
    ...(scopes.length > 0 && { scopes }),
    ...(Object.keys(claims).length > 0 && { claims }),
    accessTTL: formatDuration(terms.accessTtlMs),
    refreshTTL: formatDuration(grant.refreshTtlMs),
    ...(askedRefreshTtl !== undefined && { refreshTokenTtlSeconds: askedRefreshTtl }),
    ...(keyThumbprint !== undefined && { keyThumbprint }),
    creationTime: formatInstant(grant.createdAtMs),
    renewals: grant.generation,
    ...(renewedAtMs !== undefined && { renewalTime: formatInstant(renewedAtMs) }),
    expirationTime: formatInstant(grant.expiresAtMs),
    ...(notAfterMs !== undefined && { notAfter: formatInstant(notAfterMs) }),
    ...(recoveredUnderMs !== undefined && { recoveredUnder: formatInstant(recoveredUnderMs) }),
    ...(revoked && { revocation: { time: formatInstant(revoked.atMs), reason: revoked.reason } }),
  };
}
