/** Why a token is refused. Stable: metrics and logs are labelled with them. In the order in which they are looked for. */
export const refusalReasons = [
  /** More than `tokenLimit` characters. */
  "TooLarge",
  /** No JWS in compact form of two JSON objects: three parts of canonical base64url (RFC 7515 §7.1, RFC 4648 §3.5). */
  "Malformed",
  /** Objects or lists of the header or the claims lie deeper in each other than `depthLimit`. */
  "TooDeep",
  /** A name stands twice in one object, so that readers may disagree about it (RFC 7515 §4, RFC 7519 §4). */
  "DuplicateMember",
  /** The header brings a key along or asks for an extension: crit, b64, jwk, jku, x5*, zip, enc (RFC 8725 §3.10). */
  "HeaderNotAllowed",
  /** `typ` is neither JWT nor at+jwt, or not the one that is required (RFC 8725 §3.11). */
  "TypeNotAllowed",
  /** No `kid`, or one that is no text. */
  "KidMissing",
  /** The kid was revoked. */
  "KeyRevoked",
  /** No key has the kid: pruned, of another issuer, or made up. */
  "KidUnknown",
  /** `alg` is not the algorithm of the key (RFC 8725 §3.1). */
  "AlgorithmMismatch",
  /** The signature is not of the key, or not in the one form that the algorithm has. */
  "SignatureInvalid",
  /** `iss` is not the issuer of the key's profile (RFC 8725 §3.8). */
  "IssuerMismatch",
  /** `aud` names no audience of the key's profile (RFC 8725 §3.9). */
  "AudienceMismatch",
  /** `exp`, or a claim that is required, is not there. */
  "ClaimMissing",
  /** A registered claim is of another type than RFC 7519 §4.1 says. */
  "ClaimInvalid",
  /** `exp` has come, twice the clock skew included. */
  "Expired",
  /** `nbf` has not come, twice the clock skew included. */
  "NotYetValid",
  /** `iat` has not come, twice the clock skew included. */
  "IssuedInFuture",
  /** `exp - iat`, or without `iat` what is left until `exp`, is more than the key's profile allows. */
  "LifetimeTooLong",
  /** The token itself, its grant or its subject was revoked. */
  "Revoked",
  /** `scope` lacks a scope that is required: the one refusal that is no question of identity (403, not 401). */
  "ScopeMissing",
] as const;
/** Why a token is refused. */
export type RefusalReason = (typeof refusalReasons)[number];

/** The most characters that a token may have. */
export const tokenLimit = 16_384;
/** How deep objects and lists may lie in each other in a header and in claims; the outermost object counts. */
export const tokenDepthLimit = 16;
