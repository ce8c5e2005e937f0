import { hashOf, isSameBytes, markOf, parseRefreshToken, type RefreshToken } from "../../grants/refresh-token.ts";
import type { Caller } from "../callers/caller.ts";
import { fitsAny } from "../config/glob.ts";
import { grantIdOf, sidOf, type GrantRow } from "../store/grant-row.ts";
import type { GrantSelector } from "../store/grant-store.ts";
import { denied, type Denial } from "./denial.ts";
import { endTime } from "./end-time.ts";
import type { IssuerParts } from "./issuer-parts.ts";

/** Who wants something revoked: a caller who proved himself, or whoever shows an access token of ours. */
export type Revoker = Caller | { readonly kind: "bearer"; readonly subject: string };

/** What is to be revoked. */
export type RevocationRequest =
  /** A refresh token, and its grant with it; or one access token (RFC 7009 §2.1). */
  | { readonly token: string }
  /** One access token by its `jti`. */
  | { readonly tokenId: string; readonly subject: string }
  /** Every grant of a subject, and every access token that he has by now. */
  | { readonly identityId: string }
  /** One grant, by the claim `sid`. */
  | { readonly sessionId: string };

/** `revoked`: how many grants have just ended; 0 for a single access token, or where nothing was alive. */
export interface RevocationDone {
  readonly kind: "done";
  readonly revoked: number;
}

const nothing: RevocationDone = { kind: "done", revoked: 0 };

/**
 * Revokes it, if it is the caller's. What is unknown or dead already is done (RFC 7009 §2.2): the answer tells nobody what exists.
 *
 * @throws TryLaterError `StoreAway`: nothing was revoked
 */
export async function revokeTokens(
  parts: IssuerParts,
  by: Revoker,
  asked: RevocationRequest,
): Promise<RevocationDone | Denial> {
  if ("token" in asked) return revokeShown(parts, by, asked.token);
  if ("tokenId" in asked) {
    if (!isHis(by, asked.subject)) return notHis();
    const { tokensEndAtMs, nowMs } = endTime(parts, parts.nowMs());
    return revokeToken(parts, asked.tokenId, { nowMs, endsAtMs: tokensEndAtMs });
  }
  if ("identityId" in asked) {
    const { identityId: subject } = asked;
    return isHis(by, subject) ? end(parts, { kind: "subject", subject }) : notHis();
  }
  const id = grantIdOf(asked.sessionId);
  const row = id && (await parts.store.find(id));
  return row && isHisGrant(by, row) ? end(parts, { kind: "grant", id: row.grant.id }) : nothing;
}

async function revokeShown(parts: IssuerParts, by: Revoker, text: string): Promise<RevocationDone | Denial> {
  const refresh = parseRefreshToken(text);
  if (refresh !== undefined) {
    const row = await parts.store.find(refresh.grantId);
    return row && isOf(refresh, row) && isHisGrant(by, row) ? end(parts, { kind: "grant", id: row.grant.id }) : nothing;
  }
  const verdict = parts.signing()?.verify(text);
  if (verdict?.ok !== true) return nothing;
  const { jti, sub } = verdict.claims;
  if (typeof jti !== "string" || typeof sub !== "string" || !isHis(by, sub)) return nothing;
  return revokeToken(parts, jti, { nowMs: parts.nowMs(), endsAtMs: verdict.expiresAtMs });
}

/** Of this grant, be it ever so old: whoever has had a token of it may end it. */
const isOf = ({ mark, generation, secret }: RefreshToken, { grant }: GrantRow): boolean =>
  isSameBytes(mark, markOf(grant.markKey, generation, hashOf(secret)));

async function revokeToken(
  { store, audit }: IssuerParts,
  jti: string,
  at: { readonly nowMs: number; readonly endsAtMs: number },
): Promise<RevocationDone> {
  await store.revokeToken(jti, at);
  audit.info({ event: "token.revoke", jti }, "an access token is revoked");
  return nothing;
}

async function end(parts: IssuerParts, whose: GrantSelector): Promise<RevocationDone> {
  const ended = await parts.store.revoke(whose, endTime(parts, parts.nowMs()));
  for (const { id, subject, clientId } of ended) {
    parts.audit.info({ event: "grant.revoke", sid: sidOf(id), subject, clientId }, "a grant is revoked");
  }
  return { kind: "done", revoked: ended.length };
}

/** His own subject, or one that he may ask tokens for. */
function isHis(by: Revoker, subject: string): boolean {
  return by.subject === subject || (by.kind !== "bearer" && fitsAny(by.allowed.subjects, subject));
}

const isHisGrant = (by: Revoker, { terms }: GrantRow): boolean =>
  isHis(by, terms.subject) || (by.kind === "client" && terms.foreign === undefined && by.clientId === terms.clientId);

const notHis = (): Denial =>
  denied(
    "unauthorized_client",
    "asked-subject",
    "Cannot revoke: must be the caller's own subject, or one that is allowed for it",
  );
