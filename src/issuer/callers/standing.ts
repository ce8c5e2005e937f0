import type { Glob } from "../config/glob.ts";
import { type Allowed, type GrantType, grantTypes, type TokenIssuer } from "../config/token-issuer.ts";

/** Whom a grant was given to, as its row has it. */
export interface Origin {
  readonly clientId?: string;
  readonly trustIssuer?: string;
}

/** What the file in force allows those whom a grant was given to, now. */
export interface GrantStanding {
  /** The cap of the next renewal, in milliseconds. */
  readonly maxRefreshTtlMs: number;
  /** Of the next access token, in milliseconds; absent: what the signing key allows. */
  readonly maxAccessTtlMs?: number;
  /** Names of claims that a grant below it may ask for: each of these lists must have it. */
  readonly claims: readonly (readonly Glob[])[];
  /** What all of them may use. */
  readonly grantTypes: readonly GrantType[];
}

/**
 * Undefined: the client, or the issuer, is no longer in the file, and its grants are not to be renewed. No row says which of an
 * issuer's rules it was: the one that allows most caps a life, which the row bounds itself; a claim and a grant type must be allowed by all.
 */
export function standingOf(
  { clients, trust }: TokenIssuer,
  { clientId, trustIssuer }: Origin,
): GrantStanding | undefined {
  if (trustIssuer !== undefined) {
    const rules = trust.find(({ issuer }) => issuer === trustIssuer)?.rules;
    return rules && most(rules.map(({ allowed }) => allowed));
  }
  const client = clients.find(({ id }) => id === clientId);
  return client && most([client.allowed]);
}

function most(all: readonly Allowed[]): GrantStanding {
  const maxAccessTtlMs = Math.max(...all.map(({ accessTtl }) => accessTtl.maxMs ?? Infinity));
  return {
    maxRefreshTtlMs: Math.max(...all.map(({ refreshTtl }) => refreshTtl.maxMs)),
    ...(maxAccessTtlMs < Infinity && { maxAccessTtlMs }),
    claims: all.map(({ claims }) => claims),
    grantTypes: grantTypes.filter((one) => all.every((allowed) => allowed.grantTypes.includes(one))),
  };
}
