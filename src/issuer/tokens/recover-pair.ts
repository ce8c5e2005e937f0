import { reissue } from "../../grants/renew.ts";
import type { GrantRow } from "../store/grant-row.ts";
import { standingOf } from "../callers/standing.ts";
import { denialOfRenewal, denied, type Denial } from "./denial.ts";
import { isAlive } from "./grant-above.ts";
import { originOf } from "./issue-pair.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { freshSigningOf } from "./keys-at-work.ts";
import { audiencesIn, ownBearerOf, scopesIn } from "./own-bearer.ts";
import { judgeRenewal, type PairRenewal, signRenewed, whoseGrant } from "./renew-pair.ts";
import type { TokenPair } from "./token-pair.ts";
import { endIn, saysItIsOurs } from "./what-it-says.ts";

/** An access token of ours whose time is over, shown for a pair. */
export interface PairRecovery extends Pick<PairRenewal, "caller" | "scopes"> {
  readonly accessToken: string;
  /** Those of the token and no others; absent: they are not asked for. */
  readonly audiences?: readonly string[];
}

/** Whether the file allows it at all, and the token says that it is ours and that its time is over. @throws TryLaterError `NotReady` */
export function mayRecover(parts: IssuerParts, accessToken: string): boolean {
  if (parts.callers.config.recoverExpiredForMs === undefined || !saysItIsOurs(parts, accessToken)) return false;
  const endMs = endIn(accessToken);
  return endMs !== undefined && endMs <= parts.nowMs();
}

/**
 * Goes on with the grant of an access token whose time is over: with a pair of that very grant, never of another one beside it. The
 * token must be the newest of its grant: so it is used once, by all replicas, and is worth nothing once the grant was renewed.
 *
 * @throws TryLaterError `StoreAway`, `NotReady`, `NoSigner`, `MintFenced`: nothing was given out
 */
export async function recoverPair(parts: IssuerParts, asked: PairRecovery): Promise<TokenPair | Denial> {
  const pair = await recover(parts, asked);
  if (pair.kind === "denied") parts.on({ kind: "notRecovered", code: pair.code });
  return pair;
}

async function recover(parts: IssuerParts, asked: PairRecovery): Promise<TokenPair | Denial> {
  const nowMs = parts.nowMs();
  const { recoverExpiredForMs = -1 } = parts.callers.config;
  const endMs = endIn(asked.accessToken);
  if (endMs === undefined || nowMs < endMs || nowMs - endMs > recoverExpiredForMs) {
    return denied("invalid_grant", "expiry", "Cannot recover: must have ended, and no longer ago than is allowed");
  }
  await freshSigningOf(parts);
  // As it was in its last moment: whatever else is asked of an access token is asked of this one, too
  const bearer = await ownBearerOf(parts, asked.accessToken, endMs - 1);
  if (bearer.kind === "denied") return { ...bearer, error: "invalid_grant" };
  const { claims, row } = bearer.token;
  if (row === undefined || !speaksFor(claims, row)) {
    return denied("invalid_grant", "access-token", "Cannot recover: must be a whole access token of a grant");
  }
  if (!isAlive(row.grant, nowMs)) return denialOfRenewal("expired");
  if (!isNewest(claims, row)) return denialOfRenewal("superseded");
  const judgement = await judgeRecovery(parts, row, asked);
  if ("kind" in judgement) return judgement;
  const secret = parts.randomBytes(32);
  const { grant, token } = reissue(row.grant, { secret, nowMs, maxRefreshTtlMs: judgement.maxRefreshTtlMs });
  if (!(await parts.store.renew(grant, row.grant.generation))) return denialOfRenewal("superseded");
  const next = { ...row, grant, token };
  parts.on({ kind: "recovered", generation: grant.generation, jti: bearer.jti, ...whoseGrant(next) });
  return signRenewed(parts, next, asked.scopes);
}

async function judgeRecovery(
  parts: IssuerParts,
  row: GrantRow,
  asked: PairRecovery,
): Promise<{ readonly maxRefreshTtlMs: number } | Denial> {
  const judgement = await judgeRenewal(parts, row, asked);
  if ("kind" in judgement) return judgement;
  const { grantTypes = [] } = standingOf(parts.callers.config, originOf(row.terms)) ?? {};
  if (!needed.every((one) => grantTypes.includes(one))) {
    return denied("unauthorized_client", "grant-type", "must use a grant type that is allowed for it");
  }
  if (asked.audiences !== undefined && !areSame(asked.audiences, row.terms.audiences)) {
    return denied("invalid_target", "asked-audience", "must ask for the audiences of the token, or for none");
  }
  return judgement;
}

/** It is an exchange, and what is given out is renewed. */
const needed = ["urn:ietf:params:oauth:grant-type:token-exchange", "refresh_token"] as const;

/**
 * Whether the token says what its grant says: whoever else signs with these keys says what he likes. One of fewer scopes would be widened
 * by the next renewal, and one that is bound to a key needs that key's proof.
 */
function speaksFor(
  { sub, client_id: clientId, aud, scope }: GrantRow["terms"]["claims"],
  { terms }: GrantRow,
): boolean {
  return (
    sub === terms.subject &&
    clientId === terms.clientId &&
    areSame(audiencesIn(aud), terms.audiences) &&
    areSame(scopesIn(scope), terms.scopes) &&
    terms.keyThumbprint === undefined
  );
}

/** Nothing of the grant was given out since, by a renewal or by this. `iat` counts whole seconds. */
function isNewest({ iat }: GrantRow["terms"]["claims"], { grant }: GrantRow): boolean {
  const lastMs = grant.replacedAtMs[0] ?? grant.createdAtMs;
  return typeof iat === "number" && iat >= Math.floor(lastMs / 1000);
}

const areSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.every((one) => others.includes(one)) && others.every((one) => some.includes(one));
