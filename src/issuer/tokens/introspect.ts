import { parseRefreshToken } from "../../grants/refresh-token.ts";
import { renew } from "../../grants/renew.ts";
import { sidOf } from "../store/grant-row.ts";
import { grantAbove } from "./grant-above.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { audiencesIn, type LiveToken, liveToken } from "./own-bearer.ts";
import { type Asker, isOwn, whoseIs } from "./ownership.ts";

/** RFC 7662 §2.2. Of what is dead, unknown, made up or none of the asker's business it says no more than that it is not active. */
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
 * Whether a token is good now, and what it says: to whoever it is of; an access token also to whoever may introspect those for one of
 * its audiences. Writes nothing: an old refresh token that is looked at ends no grant.
 *
 * @throws TryLaterError `StoreAway`, `NotReady`
 */
export async function introspect(parts: IssuerParts, by: Asker, text: string): Promise<Introspection> {
  const refresh = parseRefreshToken(text);
  if (refresh !== undefined) return ofRefreshToken(parts, by, refresh);
  const token = await liveToken(parts, text);
  return token && (isOwn(by, whoseIs(token)) || mayLookAt(by, token)) ? ofAccessToken(token) : dead;
}

/** An access token, to its bearer: he hears nothing that it does not say. Whom it is for is not looked at, since it opens nothing. */
export async function introspectItself(parts: IssuerParts, text: string): Promise<Introspection> {
  const token = await liveToken(parts, text);
  return token ? ofAccessToken(token) : dead;
}

/** A resource server, of the tokens that are shown to it. */
const mayLookAt = (by: Asker, { claims: { aud } }: LiveToken): boolean =>
  by.kind !== "bearer" &&
  by.allowed.introspect &&
  audiencesIn(aud).some((audience) => by.allowed.audiences.includes(audience));

const ofAccessToken = ({ claims, expiresAtMs }: LiveToken): Introspection => ({
  ...claims,
  active: true,
  token_type: "Bearer",
  exp: Math.floor(expiresAtMs / 1000),
});

async function ofRefreshToken(
  parts: IssuerParts,
  by: Asker,
  shown: NonNullable<ReturnType<typeof parseRefreshToken>>,
): Promise<Introspection> {
  const { store, callers, nowMs, randomBytes } = parts;
  const row = await store.find(shown.grantId);
  if (row === undefined || !isOwn(by, row.terms)) return dead;
  const { grant, terms } = row;
  const { retryWindowMs } = callers.config;
  // What would become of it, were it shown now
  const request = { shown, isProven: false, nowMs: nowMs(), salt: randomBytes(32), policy: { retryWindowMs } };
  const { kind } = renew(grant, request);
  if ((kind !== "renewed" && kind !== "replayed") || (await grantAbove(parts, terms)) === "ended") return dead;
  const { subject, clientId, audiences, scopes, askedRefreshTtl } = terms;
  const verifying = parts.verifying();
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
