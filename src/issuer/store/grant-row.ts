import { Buffer } from "node:buffer";
import type { Grant } from "../../grants/grant.ts";
import { fromBase64url } from "../../parse/base64url.ts";

/** One row of the table `grants`. */
export interface GrantRow {
  readonly grant: Grant;
  readonly terms: GrantTerms;
}

/** Who a grant is for, and what its access tokens say. Never changes. */
export interface GrantTerms {
  /** The claim `sub`. */
  readonly subject: string;
  /** The claim `client_id`. */
  readonly clientId: string;
  /** `iss` and `sub` of the token that was exchanged: who shows one of the same again is the owner. Absent for a client's secret. */
  readonly foreign?: { readonly issuer: string; readonly subject: string };
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  /** Claims beside those that the issuer sets itself; what JSON can hold. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** How long each access token lives; a whole number above 0. */
  readonly accessTtlMs: number;
  /** `refreshTokenTtlSeconds` where a good one was asked for, in decimal digits: before the cap. */
  readonly askedRefreshTtl?: string;
  /** SHA-256 thumbprint, in base64url, of the key that the tokens are bound to (RFC 9449 §6.1). */
  readonly keyThumbprint?: string;
  /** The grant whose access token asked for this one, 16 bytes: this one ends with it. */
  readonly parentId?: Uint8Array;
}

/** Whether a grant can be renewed, or why not. */
export type GrantState = "active" | "revoked" | "expired";

/** A grant that was revoked is so for ever, also when its time is over. */
export function stateOfGrant({ revoked, expiresAtMs }: Grant, nowMs: number): GrantState {
  if (revoked) return "revoked";
  return nowMs < expiresAtMs ? "active" : "expired";
}

/** The claim `sid`: the id of a grant in base64url, 22 characters. */
export const sidOf = (grantId: Uint8Array): string => Buffer.from(grantId).toString("base64url");

/** The id that {@link sidOf} made it from; undefined for what it never makes. */
export function grantIdOf(sid: string): Uint8Array | undefined {
  const id = fromBase64url(sid);
  return id?.length === 16 ? id : undefined;
}
