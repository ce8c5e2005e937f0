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

/** Undefined: it is none of ours, or good no more. @throws TryLaterError `StoreAway`, `NotReady` */
export async function liveToken(parts: IssuerParts, token: string): Promise<LiveToken | undefined> {
  const verdict = verifyingOf(parts).verify(token);
  if (!verdict.ok || parts.revoked.has(verdict.claims)) return undefined;
  const { claims, expiresAtMs } = verdict;
  const { sid, jti } = claims;
  if (sid === undefined) return { claims, expiresAtMs };
  const grantId = typeof sid === "string" ? grantIdOf(sid) : undefined;
  // Whoever else signs with these keys says of a token what he likes, but not what its id is
  if (grantId === undefined || typeof jti !== "string" || !jti.startsWith(`${sidOf(grantId)}.`)) return undefined;
  // The database's word, not the memory's: another replica may have revoked it a moment ago
  const row = await parts.store.find(grantId);
  return row && !row.grant.revoked ? { claims, expiresAtMs, row } : undefined;
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
 * @throws TryLaterError `StoreAway`, `NotReady`
 */
export async function ownBearerOf(parts: IssuerParts, text: string): Promise<OwnBearer | Denial> {
  const token = await liveToken(parts, text);
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
