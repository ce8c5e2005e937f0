import type { TokenRequest } from "../callers/caller.ts";
import { narrowBelow, type Parent } from "../callers/narrow.ts";
import { type GrantStanding, standingOf } from "../callers/standing.ts";
import { type ChildName, childSubject } from "../config/names.ts";
import type { GrantRow } from "../store/grant-row.ts";
import { denialOf, denied, type Denial } from "./denial.ts";
import { isAlive } from "./grant-above.ts";
import { begin, originOf, termsOf } from "./issue-pair.ts";
import type { IssuerParts } from "./issuer-parts.ts";
import { freshSigningOf } from "./keys-at-work.ts";
import { ownBearerOf, scopesIn } from "./own-bearer.ts";
import type { TokenPair } from "./token-pair.ts";

/** What is asked for below another grant. */
export interface AskedBelow extends Omit<TokenRequest, "grantType" | "subject"> {
  /** Its subject is the parent's with this behind it: nobody can so become somebody else. */
  readonly name: ChildName;
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
  const bearer = await ownBearerOf(parts, parentToken);
  if (bearer.kind === "denied") return bearer;
  const { row, claims } = bearer.token;
  if (row === undefined || !isAlive(row.grant, parts.nowMs()) || claims["sub"] !== row.terms.subject) return noParent();
  const { terms, grant } = row;
  const standing = standingOf(parts.callers.config, originOf(terms));
  if (standing === undefined) return denied("invalid_token", "caller-gone", "Cannot issue: must be allowed still");
  const signing = await freshSigningOf(parts);
  const parent = { ...terms, ...grant, own, ...capsOf(row, standing), mayAskFor: standing.claims };
  // The token may be narrower than its grant (RFC 6749 §6)
  const scopes = scopesIn(claims["scope"]).filter((one) => terms.scopes.includes(one));
  const granted = narrowBelow(
    { ...parent, scopes },
    { ...asked, subject: childSubject(terms.subject, name) },
    { signer: signing.profile, nowMs: parts.nowMs() },
  );
  if (granted.kind === "refused") return denialOf(granted);
  const { clientId, foreign, keyThumbprint } = terms;
  const childTerms = {
    ...termsOf(granted, asked),
    clientId,
    parentId: grant.id,
    ...(foreign && { foreign }),
    ...(keyThumbprint !== undefined && { keyThumbprint }),
  };
  return begin(parts, granted, { terms: childTerms, above: row });
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
