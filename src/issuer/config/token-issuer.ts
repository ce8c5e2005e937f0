import type { Algorithm } from "../../ring/key.ts";
import type { Glob } from "./glob.ts";
import type { ClaimPath, SubjectTemplate } from "./claims.ts";

/** A TokenIssuer file that was checked, with every default filled in. The files that it names are not read yet. */
export interface TokenIssuer {
  readonly name: string;
  /** So long after a renewal the refresh token before is answered with the same successor; in milliseconds. @default 30 s */
  readonly retryWindowMs: number;
  /** After a restored backup: refresh tokens that are ahead of their row carry it forward until then; Unix milliseconds. */
  readonly recoverGrantsUntilMs?: number;
  /**
   * So long after its end the newest access token of a grant that lives buys a pair of the same grant; in milliseconds. @default it buys
   * nothing
   */
  readonly recoverExpiredForMs?: number;
  /** No access token lives longer, whoever asks; in milliseconds. @default what the signing key allows */
  readonly maxAccessTtlMs?: number;
  /** No refresh token lives longer, whoever asks; in milliseconds. @default 90 days, which is also the most */
  readonly maxRefreshTtlMs: number;
  /**
   * What our own access tokens may be for that are shown to the issuer itself, beside its own URL, which always counts (RFC 9068 §4). For
   * installations whose clients ask for no such token.
   */
  readonly ownAudiences: readonly string[];
  /** Web pages of these origins may ask for tokens, from within a browser (CORS). Compared exactly. */
  readonly allowedOrigins: readonly string[];
  /** By their ids, which differ. */
  readonly clients: readonly Client[];
  /** By their issuers, which differ. */
  readonly trust: readonly Trust[];
}

/** Somebody with a secret of ours. */
export interface Client {
  /** `client_id`; printable ASCII (RFC 6749 appendix A.1). None begins as {@link clientIdOf} does. */
  readonly id: string;
  /**
   * Files with one line each: the secret itself, or its scrypt hash in PHC form. Absolute. Any of them is good, so that a secret can be
   * changed without a moment in which neither the old nor the new one is.
   */
  readonly secretFiles: readonly string[];
  /** `sub` of its tokens. @default its id */
  readonly subject: string;
  readonly allowed: Allowed;
}

/** The names of RFC 7591 §2. `refresh_token`: what it gets is a pair; without it, an access token alone. */
export const grantTypes = [
  "client_credentials",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:token-exchange",
  "urn:ietf:params:oauth:grant-type:jwt-bearer",
] as const;
export type GrantType = (typeof grantTypes)[number];

/** What somebody may do beside asking for tokens of his own, and how often he may ask. */
export interface Rights {
  /** Requests a second. */
  readonly requestRate: number;
  /** Look at the access tokens of others that are for one of his audiences (RFC 7662 §2.1). */
  readonly introspect: boolean;
  /** Follow everything that is revoked, as a gateway does. */
  readonly watchRevocations: boolean;
}

/** The most that somebody may get, and what he gets who asks for nothing. */
export interface Allowed extends Rights {
  /** None: he gets no tokens, and has {@link Rights} alone. */
  readonly grantTypes: readonly GrantType[];
  /** At least one; the first is for those who ask for none. Compared exactly. */
  readonly audiences: readonly string[];
  /** All of them are for those who ask for none. */
  readonly scopes: readonly string[];
  /** Subjects that may be asked for beside the own one. */
  readonly subjects: readonly Glob[];
  /** Names of claims that may be asked for; reserved ones never. */
  readonly claims: readonly Glob[];
  readonly accessTtl: TtlLimits;
  readonly refreshTtl: Required<TtlLimits>;
  /** No grant goes beyond it, however often it is renewed; Unix milliseconds. */
  readonly notAfterMs?: number;
}

/** How long tokens live, in milliseconds. */
interface TtlLimits {
  /** For those who ask for none. @default {@link maxMs} */
  readonly defaultMs?: number;
  /** @default what the signing key allows */
  readonly maxMs?: number;
}

/** Somebody whose tokens are exchanged for ours. */
export interface Trust {
  /** For people: in logs, metrics and `explain`. */
  readonly name: string;
  /** `iss` of its tokens, compared exactly (RFC 8725 §3.8). */
  readonly issuer: string;
  readonly keys: KeySource;
  /** PEM; who may have signed the certificate of {@link keys}. Absolute. @default whom Node.js trusts */
  readonly caFile?: string;
  /** A bearer token for {@link keys}, read again for each request. Absolute. */
  readonly bearerTokenFile?: string;
  /** One of them must stand in `aud`, exactly: it is how a token says that it is meant for us. At least one. */
  readonly audiences: readonly string[];
  /** Of signatures; asymmetric ones only. */
  readonly algorithms: readonly Algorithm[];
  /** How far the clocks may differ, in milliseconds. */
  readonly clockSkewMs: number;
  /** So long ago a token may have been issued, in milliseconds. */
  readonly maxAgeMs: number;
  /** A token is exchanged once, by its `jti`. Of one process: replicas don't tell each other. @default false */
  readonly singleUse: boolean;
  /** The first one that fits decides. At least one. */
  readonly rules: readonly TrustRule[];
}

/** Where the keys come from that verify somebody's tokens. */
export type KeySource =
  /** OpenID Connect Discovery, RFC 8414; the document must name the issuer itself. */
  | { readonly kind: "discovery"; readonly url: URL }
  | { readonly kind: "jwksURL"; readonly url: URL }
  /** Public keys that stand in the file; checked. */
  | { readonly kind: "jwks"; readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] } }
  /** The API server says whether a ServiceAccount's token is good. @default of `server`: as pods see it */
  | { readonly kind: "tokenReview"; readonly server?: URL };

/** Whom of an issuer it is about, and what they may get. */
export interface TrustRule {
  /** For people; unique within the issuer. */
  readonly name: string;
  /** Every claim must fit one of its globs. `sub` is always among them. */
  readonly match: readonly ClaimMatch[];
  /** `sub` of our tokens. */
  readonly subject: SubjectTemplate;
  /** Claims that go over into our tokens, by the name that they get there; one that is missing is left out. */
  readonly carry: Readonly<Record<string, ClaimPath>>;
  readonly allowed: Allowed;
}

export interface ClaimMatch {
  readonly claim: ClaimPath;
  readonly globs: readonly Glob[];
}
