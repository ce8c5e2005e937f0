import type { TokenRevocation } from "../../jwt/revoked-set.ts";
import type { Accepted } from "../../jwt/verifying-key.ts";

/** What is remembered of the token that a session was opened or renewed with: all that may end it, and what it says. Never the token. */
export interface SessionToken {
  /** The claim `sub`. */
  readonly subject: string;
  readonly kid: string;
  /** The claim `sid`. */
  readonly grant?: string;
  /** The claim `jti`. */
  readonly tokenId?: string;
  /** The claim `iat`, in Unix milliseconds. */
  readonly issuedAtMs?: number;
  /** The claim `exp`, in Unix milliseconds, exclusive; absent for a token without an end. */
  readonly expiresAtMs?: number;
  /** All that it says, as JSON: what the application judges its owner by. */
  readonly claims: string;
}

/** What a session keeps of a token that was verified; undefined where it names no subject in good Unicode, so nobody can be told whose it is. */
export function sessionTokenOf({ kid, claims, expiresAtMs }: Accepted): SessionToken | undefined {
  const { sub, sid, jti, iat } = claims;
  if (typeof sub !== "string" || sub === "" || !sub.isWellFormed()) return undefined;
  return {
    subject: sub,
    kid,
    ...(typeof sid === "string" && { grant: sid }),
    ...(typeof jti === "string" && { tokenId: jti }),
    ...(typeof iat === "number" && { issuedAtMs: iat * 1000 }),
    expiresAtMs,
    claims: JSON.stringify(claims),
  };
}

/** A key, a grant, a token or a subject that is good no longer. */
export type SessionRevocation = { readonly kind: "key"; readonly value: string } | TokenRevocation;

/** Whether the session of this token ends: as `RevokedSet` judges tokens, of the second of a revocation all of a subject's are old. */
export function concerns(revocation: SessionRevocation, token: SessionToken): boolean {
  switch (revocation.kind) {
    case "key":
      return token.kid === revocation.value;
    case "grant":
      return token.grant === revocation.value;
    case "token":
      return token.tokenId === revocation.value;
    case "subject":
      return token.subject === revocation.value && !((token.issuedAtMs ?? -Infinity) > revocation.atMs);
    default:
      return revocation satisfies never;
  }
}

/** Under which names a revocation finds the session; two names are one only if kind and value are. */
export const revocableNames = ({ kid, grant, tokenId, subject }: SessionToken): readonly string[] => [
  nameOf("key", kid),
  nameOf("subject", subject),
  ...(grant === undefined ? [] : [nameOf("grant", grant)]),
  ...(tokenId === undefined ? [] : [nameOf("token", tokenId)]),
];

/** The one of {@link revocableNames} that is meant. */
export const revokedName = ({ kind, value }: Pick<SessionRevocation, "kind" | "value">): string => nameOf(kind, value);

const nameOf = (kind: SessionRevocation["kind"], value: string): string => `${kind} ${value}`;

/** Whether the owner may come back with another token: a key or a token is replaced, a grant or a subject is not. */
export const isReplaceable = ({ kind }: SessionRevocation): boolean => kind === "key" || kind === "token";

/** What a ring says of the keys that are good no longer. */
interface RevokedKids {
  readonly revokedKids: ReadonlySet<string>;
}

/** The keys that were revoked between two rings. One that is merely gone was pruned: a rotation ends nothing. */
export const revokedBetween = (before: RevokedKids, after: RevokedKids): readonly SessionRevocation[] =>
  [...after.revokedKids].filter((kid) => !before.revokedKids.has(kid)).map((value) => ({ kind: "key", value }));
