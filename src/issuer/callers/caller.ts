import type { Allowed, GrantType } from "../config/token-issuer.ts";

/** Who asks: somebody who has proven who he is, and what he may get at most. */
export type Caller = ClientCaller | ForeignCaller;

interface Proven {
  /** `sub` of the tokens that he gets, unless he asks for another one that {@link allowed} has. */
  readonly subject: string;
  readonly allowed: Allowed;
  /** What his tokens say besides, whatever he asks for: the claims that a trust rule carries over. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A client with its secret. */
export interface ClientCaller extends Proven {
  readonly kind: "client";
  readonly clientId: string;
}

/** A token of somebody whom we trust: (issuer, foreignSubject) is who it is, for a proof at a later renewal, too. */
export interface ForeignCaller extends Proven {
  readonly kind: "foreign";
  readonly issuer: string;
  /** `sub` of his own token, which {@link subject} was made from. */
  readonly foreignSubject: string;
  /** The names of the trust and its rule, for logs and audit. */
  readonly trust: string;
  readonly rule: string;
  /** When his own token ends; Unix milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * The codes of OAuth: RFC 6749 §5.2, RFC 8707 §2 (`invalid_target`); `temporarily_unavailable` is a 503, and a retry helps.
 * A subject token that is no good is `invalid_grant` here (RFC 7523 §3.1); a token exchange says `invalid_request` of it (RFC 8693 §2.2.2).
 */
export type OAuthError =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "invalid_scope"
  | "invalid_target"
  | "temporarily_unavailable";

/** The check that failed: stable, for programs, metrics and logs. */
export type CallerCheck =
  /** The client is not known, or its secret is wrong: nobody is told which. */
  | "client"
  /** Too many ask at once. */
  | "busy"
  | ForeignCheck
  | NarrowCheck;

/** Checks of a foreign token, in the order in which they are made. */
export const foreignChecks = [
  /** Three parts of base64url with JSON objects, each member once, of at most 16 KiB. */
  "form",
  /** No algorithm that is not allowed, and no key that the token brings along itself. */
  "header",
  /** `iss` is one that is trusted. */
  "issuer",
  /** `aud` has one of its audiences. */
  "audience",
  /** `sub` is there, a text. */
  "subject",
  /** `exp` is there, and has not passed. */
  "expiry",
  /** `nbf` and `iat` have passed. */
  "not-before",
  /** `iat` is there, and not longer ago than is allowed. */
  "age",
  /** One rule fits. */
  "rule",
  /** The subject's template can be filled in with its claims. */
  "template",
  /** The source of keys has answered, lately enough. */
  "keys",
  /** The source knows the key that the token names. */
  "key",
  "signature",
  /** The API server says that it is good, for one of the audiences. */
  "review",
  /** It was not exchanged before; `jti` is there. */
  "single-use",
] as const;
export type ForeignCheck = (typeof foreignChecks)[number];

/** Checks of what is asked for. */
type NarrowCheck = "grant-type" | "asked-subject" | "asked-audience" | "asked-scope" | "asked-claims" | "not-after";

/** No, and why. */
export interface RefusedCaller {
  readonly kind: "refused";
  readonly error: OAuthError;
  readonly check: CallerCheck;
  /** For people and for `error_description`; nothing secret, no claims. */
  readonly message: string;
}

/** What somebody asks for, as it came in; nothing of it is trusted. Absent: not asked for. */
export interface TokenRequest {
  readonly grantType: GrantType;
  /** `identityId`. */
  readonly subject?: string;
  readonly audiences?: readonly string[];
  readonly scopes?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
  /** `expiresIn`: seconds, a number or decimal digits; anything else gets the default. */
  readonly expiresIn?: unknown;
  /** `refreshTokenTtlSeconds`: as {@link expiresIn}. */
  readonly refreshTokenTtlSeconds?: unknown;
}

/** What he gets. */
export interface Granted {
  readonly kind: "granted";
  readonly subject: string;
  /** At least one. */
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  /** Beside the reserved ones. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly accessTtl: Ttl;
  /** Absent: an access token alone. */
  readonly refreshTtl?: Ttl;
  /** The grant's `not_after`; Unix milliseconds. */
  readonly notAfterMs?: number;
}

/** How long, and why so long. */
export interface Ttl {
  readonly ms: number;
  /** `cap`: more was asked for. `default`: nothing was asked for, or nothing that makes sense. */
  readonly from: "asked" | "cap" | "default";
}

export const refusedCaller = (error: OAuthError, check: CallerCheck, message: string): RefusedCaller => ({
  kind: "refused",
  error,
  check,
  message,
});
