import { parseRefreshToken, type RefreshToken } from "../../grants/refresh-token.ts";
import type { Caller } from "../callers/caller.ts";
import { standingOf } from "../callers/standing.ts";
import { sidOf, type GrantRow } from "../store/grant-row.ts";
import { type GrantRenewal, renewGrant, type RowJudgement } from "../store/renew-grant.ts";
import { denialOfRenewal, denied, type Denial } from "./denial.ts";
import { endTime } from "./end-time.ts";
import { capBelow, grantAbove } from "./grant-above.ts";
import { originOf } from "./issue-pair.ts";
import type { WhoseGrant } from "./issuer-event.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { freshSigningOf, signingOf } from "./keys-at-work.ts";
import { hasBegun } from "./ownership.ts";
import { signPair, type TokenPair } from "./token-pair.ts";

export interface PairRenewal {
  readonly refreshToken: string;
  /** Who proved himself beside: by a secret, or an assertion. Absent: nobody. */
  readonly caller?: Caller;
  /** A part of the grant's scopes, for this access token alone (RFC 6749 §6). */
  readonly scopes?: readonly string[];
}

/**
 * The successor of a refresh token, and a fresh access token; or what became of it.
 *
 * @throws TryLaterError `StoreAway`, `NoSigner`, `MintFenced`: the token is as good as before
 */
export async function renewPair(parts: IssuerParts, asked: PairRenewal): Promise<TokenPair | Denial> {
  const shown = parseRefreshToken(asked.refreshToken);
  if (shown === undefined) return denialOfRenewal("unknown");
  // Before anything is written: while nobody can sign, each renewal would be a lost answer
  await freshSigningOf(parts);
  const { retryWindowMs, recoverGrantsUntilMs } = parts.callers.config;
  const renewal = await renewGrant(parts.store, {
    shown,
    salt: parts.randomBytes(32),
    policy: { retryWindowMs, ...(recoverGrantsUntilMs !== undefined && { recoverGrantsUntilMs }) },
    ...endTime(parts, parts.nowMs()),
    judge: (row) => judgeRenewal(parts, row, asked),
  });
  return renewal.kind === "denied" ? renewal : answerOf(parts, renewal, asked);
}

/** Before anything is written, so that a caller who asks for too much keeps the token that he has. */
export async function judgeRenewal(
  parts: IssuerParts,
  { grant, terms }: GrantRow,
  { caller, scopes = [] }: Omit<PairRenewal, "refreshToken">,
): Promise<RowJudgement | Denial> {
  const { config } = parts.callers;
  const standing = standingOf(config, originOf(terms));
  if (standing === undefined) return denied("invalid_grant", "caller-gone", goneMessage);
  const { audiences } = signingOf(parts).profile;
  if (!terms.audiences.every((one) => audiences.includes(one))) {
    return denied("invalid_target", "asked-audience", "Cannot renew: must be for audiences that the signing key has");
  }
  // RFC 6749 §6: a client's tokens are for that client alone. And whoever proves that he is somebody else must not end them
  if (caller !== undefined && !hasBegun(caller, terms)) {
    return denied(
      "invalid_grant",
      "client",
      "Cannot renew: must be a refresh token of this client, or of this subject",
    );
  }
  if (!scopes.every((one) => terms.scopes.includes(one))) {
    return denied("invalid_scope", "asked-scope", "must ask for scopes that were granted");
  }
  // What has ended by itself is told so
  const above = grant.revoked ? undefined : await grantAbove(parts, terms);
  if (above === "ended") return denied("invalid_grant", "parent-ended", "Cannot renew: the grant above must live");
  const maxMs = Math.min(config.maxRefreshTtlMs, standing.maxRefreshTtlMs);
  return { isProven: caller !== undefined, maxRefreshTtlMs: capBelow(maxMs, above, parts.nowMs()) };
}

const goneMessage = "Cannot renew: the client, or the issuer of the first token, must stand in the TokenIssuer still";

async function answerOf(
  parts: IssuerParts,
  renewal: GrantRenewal,
  { scopes }: PairRenewal,
): Promise<TokenPair | Denial> {
  if (renewal.kind === "refused") {
    const { row, reason } = renewal;
    parts.on({ kind: "refused", reason, ...(row && { whose: whoseGrant(row) }) });
    return denialOfRenewal(reason);
  }
  if (renewal.kind === "ended") {
    const ended = renewal.ended.map(({ id }) => sidOf(id));
    parts.on({ kind: "reused", ...whoseGrant(renewal.row), ended });
    return denialOfRenewal("reused");
  }
  const { row, successor, why } = renewal;
  parts.on({ kind: "renewed", why, generation: row.grant.generation, ...whoseGrant(row) });
  return signRenewed(parts, { ...row, token: successor }, scopes);
}

/** The pair of a grant that was just written. @throws TryLaterError as {@link renewPair}: a lost answer */
export async function signRenewed(
  parts: IssuerParts,
  row: GrantRow & { readonly token: RefreshToken },
  scopes: readonly string[] = [],
): Promise<TokenPair> {
  const standing = standingOf(parts.callers.config, originOf(row.terms));
  const access = {
    nowMs: parts.nowMs(),
    ...(standing?.maxAccessTtlMs !== undefined && { maxAccessTtlMs: standing.maxAccessTtlMs }),
    ...(scopes.length > 0 && { scopes }),
  };
  return signPair(await freshSigningOf(parts), row, access);
}

export const whoseGrant = ({ grant, terms: { subject, clientId } }: GrantRow): WhoseGrant => ({
  sid: sidOf(grant.id),
  subject,
  clientId,
});
