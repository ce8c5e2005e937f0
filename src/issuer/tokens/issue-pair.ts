import { TryLaterError } from "../../errors/keyturn-error.ts";
import { secondsIn } from "../../grants/lifetime.ts";
import { beginGrant } from "../../grants/renew.ts";
import type { TokenRequest, Caller, Granted } from "../callers/caller.ts";
import { narrow } from "../callers/narrow.ts";
import { sidOf, type GrantRow, type GrantTerms } from "../store/grant-row.ts";
import { denialOf, denied, type Denial } from "./denial.ts";
import { capBelow } from "./grant-above.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { freshSigningOf } from "./keys-at-work.ts";
import { clientIdFor } from "./ownership.ts";
import { signPair, type TokenPair } from "./token-pair.ts";

/**
 * A pair for somebody who has proven who he is, or an access token alone where that is all he may have.
 *
 * @throws TryLaterError `StoreAway`, `NoSigner`, `MintFenced`, `JustRevoked`: nothing was given out
 */
export async function issuePair(parts: IssuerParts, caller: Caller, asked: TokenRequest): Promise<TokenPair | Denial> {
  const signing = await freshSigningOf(parts);
  const granted = narrow(caller, asked, { signer: signing.profile, nowMs: parts.nowMs() });
  if (granted.kind === "refused") return denialOf(granted);
  const foreign =
    caller.kind === "foreign" ? { foreign: { issuer: caller.issuer, subject: caller.foreignSubject } } : {};
  return begin(parts, granted, { terms: { ...termsOf(granted, asked), clientId: clientIdFor(caller), ...foreign } });
}

/** Whom the file in force is asked about. */
export const originOf = ({ foreign, clientId }: GrantTerms): { clientId: string } | { trustIssuer: string } =>
  foreign ? { trustIssuer: foreign.issuer } : { clientId };

/** What its row says of it, but whose it is. */
export function termsOf(
  { subject, audiences, scopes, claims, accessTtl, refreshTtl }: Granted,
  { refreshTokenTtlSeconds }: Pick<TokenRequest, "refreshTokenTtlSeconds">,
): Omit<GrantTerms, "clientId"> {
  const isAsked = refreshTtl !== undefined && refreshTtl.from !== "default";
  return {
    subject,
    audiences,
    scopes,
    claims,
    accessTtlMs: accessTtl.ms,
    ...(isAsked && { askedRefreshTtl: String(Math.min(secondsIn(refreshTokenTtlSeconds), Number.MAX_SAFE_INTEGER)) }),
  };
}

/** Whose a new grant is. */
interface NewGrant {
  readonly terms: GrantTerms;
  /** The grant that it is below; absent: none. */
  readonly above?: GrantRow;
}

/**
 * Begins a grant, if there is to be one, and signs.
 *
 * @throws TryLaterError as {@link issuePair}, and `JustRevoked`
 */
export async function begin(
  parts: IssuerParts,
  { refreshTtl, notAfterMs }: Granted,
  { terms, above }: NewGrant,
): Promise<TokenPair | Denial> {
  const { store, randomBytes, callers } = parts;
  const nowMs = parts.nowMs();
  const { subject, clientId, parentId } = terms;
  mustOutlive(parts, subject, nowMs);
  if (refreshTtl === undefined) {
    const pair = signPair(await freshSigningOf(parts), { terms }, { nowMs });
    parts.on({ kind: "issued", subject, clientId });
    return pair;
  }
  const { grant, token } = beginGrant(
    { id: randomBytes(16), markKey: randomBytes(32), secret: randomBytes(32) },
    { refreshTtlMs: refreshTtl.ms, ...(notAfterMs !== undefined && { notAfterMs }) },
    { nowMs, maxRefreshTtlMs: capBelow(callers.config.maxRefreshTtlMs, above, nowMs) },
  );
  if ((await store.begin({ grant, terms })) === "parent-ended") {
    return denied("invalid_token", "parent-ended", "Cannot issue: the grant above must live");
  }
  const parent = parentId && { parent: sidOf(parentId) };
  parts.on({ kind: "begun", sid: sidOf(grant.id), subject, clientId, ...parent });
  return signPair(await freshSigningOf(parts), { grant, terms, token }, { nowMs: parts.nowMs() });
}

/** `iat` counts whole seconds: a token of the second in which its subject was revoked would be dead from its birth. */
function mustOutlive({ revoked }: IssuerParts, subject: string, nowMs: number): void {
  if (!revoked.has({ sub: subject, iat: Math.floor(nowMs / 1000) })) return;
  throw new TryLaterError("JustRevoked", "Cannot issue: must be in a later second than the subject's revocation");
}
