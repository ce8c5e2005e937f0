import { RevokedSet } from "../../jwt/revoked-set.ts";
import type { Members } from "../../parse/object.ts";
import { grantIdOf, type GrantRow, sidOf } from "../store/grant-row.ts";
import { denied, type Denial } from "./denial.ts";
import { verifyingOf } from "./keys-at-work.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** An access token of our own that is good now. */
export interface LiveToken {
  readonly claims: Members;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
  /** Its grant; absent where it has none. */
  readonly row?: GrantRow;
}

/**
 * Undefined: it is none of ours, or good no more.
 *
 * @param atMs - Its times are looked at as of then; whether it was revoked, and its key, as of now. @default now
 * @throws TryLaterError `StoreAway`, `NotReady`
 */
export async function liveToken(parts: IssuerParts, token: string, atMs?: number): Promise<LiveToken | undefined> {
  const verdict = verifyingOf(parts).verify(token, atMs);
  if (!verdict.ok || parts.revoked.has(verdict.claims)) return undefined;
  const { claims, expiresAtMs } = verdict;
  const { sid, sub: subject, jti } = claims;
  if (typeof subject !== "string" || typeof jti !== "string") return undefined;
  const grantId = typeof sid === "string" ? grantIdOf(sid) : undefined;
  // Whoever else signs with these keys says of a token what he likes, but not what its id is
  const isForged = sid !== undefined && !(grantId && jti.startsWith(`${sidOf(grantId)}.`));
  if (isForged || (await isRevoked(parts.store, { jti, subject, claims }))) return undefined;
  if (grantId === undefined) return { claims, expiresAtMs };
  const row = await parts.store.find(grantId);
  return row && !row.grant.revoked ? { claims, expiresAtMs, row } : undefined;
}

/** By the database's word, not by the memory's: that is empty at the start, and another replica may have revoked it a moment ago. */
async function isRevoked(
  store: IssuerParts["store"],
  { jti, subject, claims }: { readonly jti: string; readonly subject: string; readonly claims: Members },
): Promise<boolean> {
  const known = new RevokedSet();
  for (const one of await store.tokenRevocations({ jti, subject })) known.add(one);
  return known.has(claims);
}

/** Whoever shows an access token of ours that is for the issuer itself. */
export interface OwnBearer {
  readonly kind: "bearer";
  readonly subject: string;
  readonly jti: string;
  readonly token: LiveToken;
}

/**
 * The issuer is a resource server like any other (RFC 9068 §4): the token must be for it. One that another server has seen, for which it
 * was, begins no grant here and ends none.
 *
 * @param atMs - As of {@link liveToken}
 * @throws TryLaterError `StoreAway`, `NotReady`
 */
export async function ownBearerOf(parts: IssuerParts, text: string, atMs?: number): Promise<OwnBearer | Denial> {
  const token = await liveToken(parts, text, atMs);
  const { sub: subject, jti, aud } = token?.claims ?? {};
  if (token === undefined || typeof subject !== "string" || typeof jti !== "string") {
    return denied("invalid_token", "access-token", "Must show an access token that is good");
  }
  const own = [...verifyingOf(parts).issuers, ...parts.callers.config.ownAudiences];
  if (audiencesIn(aud).some((one) => own.includes(one))) return { kind: "bearer", subject, jti, token };
  return denied("invalid_token", "audience", "Must show an access token that is for the issuer itself");
}

/** RFC 7519 §4.1.3: a text, or a list of texts. */
export function audiencesIn(aud: unknown): readonly string[] {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.filter((one) => typeof one === "string");
}

/** RFC 8693 §4.2: texts with spaces between. */
export const scopesIn = (scope: unknown): readonly string[] =>
  typeof scope === "string" ? scope.split(" ").filter((one) => one !== "") : [];
