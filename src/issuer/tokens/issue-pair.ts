import { TryLaterError } from "../../errors/keyturn-error.ts";
import { secondsIn } from "../../grants/lifetime.ts";
import { beginGrant } from "../../grants/renew.ts";
import type { TokenRequest, Caller, Granted } from "../callers/caller.ts";
import { narrow, narrowBelow, type Parent } from "../callers/narrow.ts";
import { type GrantStanding, standingOf } from "../callers/standing.ts";
import { grantIdOf, sidOf, type GrantRow, type GrantTerms } from "../store/grant-row.ts";
import { denialOf, denied, type Denial } from "./denial.ts";
import type { IssuerParts, Signing, Verifying } from "./issuer-parts.ts";
import { signPair, type TokenPair } from "./token-pair.ts";

/** What our own tokens are looked at with. @throws TryLaterError `NotReady` */
export function verifyingOf({ verifying }: Pick<IssuerParts, "verifying">): Verifying {
  const now = verifying();
  if (now === undefined) throw new TryLaterError("NotReady", "Cannot verify: no ring yet");
  return now;
}

/** The signing key at work. @throws TryLaterError `NoSigner` */
export function signingOf({ signing }: Pick<IssuerParts, "signing">): Signing {
  const now = signing();
  if (now === undefined) throw new TryLaterError("NoSigner", "Cannot sign: no key of the ring may sign now");
  return now;
}

/**
 * The signing key, which may sign now: before anything is written. Right after a rotation it waits a moment.
 *
 * @throws TryLaterError `NoSigner`, `MintFenced`
 */
export async function freshSigningOf(parts: Pick<IssuerParts, "signing" | "confirmed">): Promise<Signing> {
  if (signingOf(parts).isFenced) await parts.confirmed();
  const now = signingOf(parts);
  if (now.isFenced) throw new TryLaterError("MintFenced", "Cannot sign: no fresh word that the signer still signs");
  return now;
}

/**
 * A pair for somebody who has proven who he is, or an access token alone where that is all he may have.
 *
 * @throws TryLaterError `StoreAway`, `NoSigner`, `MintFenced`: nothing was given out
 */
export async function issuePair(parts: IssuerParts, caller: Caller, asked: TokenRequest): Promise<TokenPair | Denial> {
  const signing = await freshSigningOf(parts);
  const granted = narrow(caller, asked, { signer: signing.profile, nowMs: parts.nowMs() });
  if (granted.kind === "refused") return denialOf(granted);
  const clientId = caller.kind === "client" ? caller.clientId : caller.subject;
  const foreign =
    caller.kind === "foreign" ? { foreign: { issuer: caller.issuer, subject: caller.foreignSubject } } : {};
  return begin(parts, granted, { ...termsOf(granted, asked), clientId, ...foreign });
}

/** What is asked for below another grant. */
export interface AskedBelow extends Omit<TokenRequest, "grantType" | "subject"> {
  /** Its subject is the parent's with this behind it: nobody can so become somebody else. */
  readonly name: string;
  /** Claims that the endpoint sets, whatever may be asked for. */
  readonly own: Readonly<Record<string, unknown>>;
}

/**
 * A pair below another grant, for whoever shows an access token of it: an agent's, a path's. It has no more than its parent, and ends
 * with it.
 *
 * @param parentToken - An access token of our own
 * @throws TryLaterError as {@link issuePair}
 */
export async function issueBelow(
  parts: IssuerParts,
  parentToken: string,
  { name, own, ...asked }: AskedBelow,
): Promise<TokenPair | Denial> {
  const verdict = verifyingOf(parts).verify(parentToken);
  if (!verdict.ok || parts.revoked.has(verdict.claims)) return noParent();
  const { sid } = verdict.claims;
  const parentId = typeof sid === "string" ? grantIdOf(sid) : undefined;
  const row = parentId && (await parts.store.find(parentId));
  if (row === undefined || row.grant.revoked || parts.nowMs() >= row.grant.expiresAtMs) return noParent();
  const { terms, grant } = row;
  if (verdict.claims["sub"] !== terms.subject) return noParent();
  const standing = standingOf(parts.callers.config, originOf(terms));
  if (standing === undefined) return denied("invalid_token", "caller-gone", "Cannot issue: must be allowed still");
  const signing = await freshSigningOf(parts);
  const parent = { ...terms, ...grant, own, ...capsOf(row, standing), mayAskFor: standing.claims };
  // The token may be narrower than its grant (RFC 6749 §6)
  const scopes = scopesIn(verdict.claims["scope"]).filter((one) => terms.scopes.includes(one));
  const granted = narrowBelow(
    { ...parent, scopes },
    { ...asked, subject: `${terms.subject}/${name}` },
    { signer: signing.profile, nowMs: parts.nowMs() },
  );
  if (granted.kind === "refused") return denialOf(granted);
  const { clientId, foreign, keyThumbprint } = terms;
  return begin(parts, granted, {
    ...termsOf(granted, asked),
    clientId,
    parentId: grant.id,
    ...(foreign && { foreign }),
    ...(keyThumbprint !== undefined && { keyThumbprint }),
  });
}

/** What its parent has, and what the file in force allows now. */
const capsOf = (
  { terms, grant }: GrantRow,
  { maxAccessTtlMs = Infinity, maxRefreshTtlMs }: GrantStanding,
): Pick<Parent, "accessTtlMs" | "refreshTtlMs"> => ({
  accessTtlMs: Math.min(terms.accessTtlMs, maxAccessTtlMs),
  refreshTtlMs: Math.min(grant.refreshTtlMs, maxRefreshTtlMs),
});

const noParent = (): Denial =>
  denied("invalid_token", "access-token", "Cannot issue: must show an access token of a grant that lives");

const scopesIn = (scope: unknown): readonly string[] =>
  typeof scope === "string" ? scope.split(" ").filter((one) => one !== "") : [];

/** Whom the file in force is asked about. */
export const originOf = ({ foreign, clientId }: GrantTerms): { clientId: string } | { trustIssuer: string } =>
  foreign ? { trustIssuer: foreign.issuer } : { clientId };

function termsOf(
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

async function begin(
  parts: IssuerParts,
  { refreshTtl, notAfterMs }: Granted,
  terms: GrantTerms,
): Promise<TokenPair | Denial> {
  const { store, randomBytes, callers } = parts;
  const nowMs = parts.nowMs();
  const { subject, clientId, parentId } = terms;
  if (refreshTtl === undefined) {
    const pair = signPair(await freshSigningOf(parts), { terms }, { nowMs });
    parts.on({ kind: "issued", subject, clientId });
    return pair;
  }
  const { grant, token } = beginGrant(
    { id: randomBytes(16), markKey: randomBytes(32), secret: randomBytes(32) },
    { refreshTtlMs: refreshTtl.ms, ...(notAfterMs !== undefined && { notAfterMs }) },
    { nowMs, maxRefreshTtlMs: callers.config.maxRefreshTtlMs },
  );
  if ((await store.begin({ grant, terms })) === "parent-ended") {
    return denied("invalid_token", "parent-ended", "Cannot issue: the grant above must live");
  }
  const above = parentId && { parent: sidOf(parentId) };
  parts.on({ kind: "begun", sid: sidOf(grant.id), subject, clientId, ...above });
  return signPair(await freshSigningOf(parts), { grant, terms, token }, { nowMs: parts.nowMs() });
}
