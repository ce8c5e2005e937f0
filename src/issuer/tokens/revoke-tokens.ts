import { parseRefreshToken } from "../../grants/refresh-token.ts";
import { isTokenOf } from "../../grants/renew.ts";
import { isPlainText } from "../config/claims.ts";
import { fitsAny } from "../config/glob.ts";
import { grantIdOf, sidOf, type GrantRow } from "../store/grant-row.ts";
import type { GrantSelector } from "../store/grant-store.ts";
import { denied, type Denial } from "./denial.ts";
import { endTime } from "./end-time.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { liveToken } from "./own-bearer.ts";
import { type Asker, isOwn, type Whose, whoseIs } from "./ownership.ts";

/** What is to be revoked. */
export type RevocationRequest =
  /** A refresh token, and its grant with it; or one access token (RFC 7009 §2.1). */
  | { readonly token: string }
  /** One access token by its `jti`, which names its grant. */
  | { readonly tokenId: string }
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
 * @throws TryLaterError `StoreAway`, `NotReady`: nothing was revoked
 */
export async function revokeTokens(
  parts: IssuerParts,
  by: Asker,
  asked: RevocationRequest,
): Promise<RevocationDone | Denial> {
  if ("token" in asked) return revokeShown(parts, by, asked.token);
  if ("tokenId" in asked) return revokeById(parts, by, asked.tokenId);
  if ("identityId" in asked) {
    const { identityId: subject } = asked;
    return by.subject === subject || mayAskFor(by, subject) ? end(parts, { kind: "subject", subject }) : notHis();
  }
  const row = await rowOf(parts, asked.sessionId);
  return row && isHis(by, row.terms) ? end(parts, { kind: "grant", id: row.grant.id }) : nothing;
}

async function revokeShown(parts: IssuerParts, by: Asker, text: string): Promise<RevocationDone | Denial> {
  const refresh = parseRefreshToken(text);
  if (refresh !== undefined) {
    const row = await parts.store.find(refresh.grantId);
    return row && isTokenOf(row.grant, refresh) && isHis(by, row.terms)
      ? end(parts, { kind: "grant", id: row.grant.id })
      : nothing;
  }
  const token = await liveToken(parts, text);
  const { jti } = token?.claims ?? {};
  return token && typeof jti === "string" && isHis(by, whoseIs(token)) ? revokeToken(parts, jti) : nothing;
}

/** Nobody writes down what was never given out, nor ends a token of which he knows no more than its id. */
async function revokeById(parts: IssuerParts, by: Asker, jti: string): Promise<RevocationDone> {
  if (by.kind === "bearer" && by.jti === jti) return revokeToken(parts, jti);
  const [, sid = ""] = /^([\w-]{22})\.[\w-]{22,64}$/.exec(jti) ?? [];
  const row = await rowOf(parts, sid);
  return row && isHis(by, row.terms) ? revokeToken(parts, jti) : nothing;
}

async function rowOf({ store }: IssuerParts, sid: string): Promise<GrantRow | undefined> {
  const id = grantIdOf(sid);
  return id && (await store.find(id));
}

/** For as long as somebody may take it for good: past its `exp`, by what clocks may differ, and by what the issuer itself goes back. */
async function revokeToken(parts: IssuerParts, jti: string): Promise<RevocationDone> {
  const { store, revoked, callers } = parts;
  const { nowMs, tokensEndAtMs } = endTime(parts, parts.nowMs());
  const endsAtMs = tokensEndAtMs + (callers.config.recoverExpiredForMs ?? 0);
  await store.revokeToken(jti, { nowMs, endsAtMs });
  // The log says so, too, but a moment later
  revoked.add({ kind: "token", value: jti, atMs: nowMs, endsAtMs });
  parts.on({ kind: "tokenRevoked", jti });
  return nothing;
}

async function end(parts: IssuerParts, whose: GrantSelector): Promise<RevocationDone> {
  const at = endTime(parts, parts.nowMs());
  const ended = await parts.store.revoke(whose, at);
  if (whose.kind === "subject") {
    parts.revoked.add({ kind: "subject", value: whose.subject, atMs: at.nowMs, endsAtMs: at.tokensEndAtMs });
  }
  for (const { id, subject, clientId } of ended) {
    parts.on({ kind: "revoked", sid: sidOf(id), subject, clientId });
  }
  return { kind: "done", revoked: ended.length };
}

/** One that he may ask tokens for. */
const mayAskFor = (by: Asker, subject: string): boolean =>
  isPlainText(subject) && by.kind !== "bearer" && fitsAny(by.allowed.subjects, subject);

const isHis = (by: Asker, whose: Whose): boolean => isOwn(by, whose) || mayAskFor(by, whose.subject);

const notHis = (): Denial =>
  denied(
    "unauthorized_client",
    "asked-subject",
    "Cannot revoke: must be the caller's own subject, or one that is allowed for it",
  );
