import { shortKid } from "../../ring/describe.ts";
import { formatDuration } from "../../ring/duration.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { listed } from "../words.ts";
import { publicKeyIn, type Jwk } from "./jwks.ts";
import { openJws, signatureFits, type OpenedJws } from "./jws.ts";

/** Why a token is refused; the codes are stable. */
export type Refusal =
  | "Malformed"
  | "HeaderNotAllowed"
  | "TypeNotAllowed"
  | "KidMissing"
  | "KidUnknown"
  | "KeyRevoked"
  | "KeyNotPublished"
  | "AlgorithmMismatch"
  | "SignatureInvalid"
  | "IssuerMismatch"
  | "AudienceMismatch"
  | "Expired"
  | "NotYetValid"
  | "IssuedInFuture"
  | "LifetimeTooLong"
  | "ClaimInvalid";

/** What the answer may show of a token that is valid. */
export interface Accepted {
  readonly valid: true;
  readonly key: Key;
  readonly subject?: string;
  readonly audiences: readonly string[];
  readonly expiresAtMs: number;
}

export interface Refused {
  readonly valid: false;
  readonly reason: Refusal;
  readonly message: string;
  readonly kid?: Kid;
}

export type Verdict = Accepted | Refused;

export interface Question {
  readonly token: string;
  readonly ring: Ring;
  /** As published. */
  readonly jwks: readonly Jwk[];
  readonly nowMs: number;
}

const refusal = (reason: Refusal, message: string, kid?: Kid): Refused => ({
  valid: false,
  reason,
  message,
  ...(kid !== undefined && { kid }),
});

/**
 * Would a gateway with this ring accept the token, and why not? The key's own profile is what counts (RFC 8725 §3.1: the
 * algorithm is never the token's choice). Of a refused token no part but its kid gets into the answer.
 */
export function judge(question: Question): Verdict {
  const { token, ring, jwks, nowMs } = question;
  const jws = openJws(token);
  if (!jws) return refusal("Malformed", "it is no JWS in compact form, of two JSON objects");
  const odd = oddHeader(jws.header);
  if (odd) return odd;
  const { kid } = jws.header;
  if (typeof kid !== "string") return refusal("KidMissing", "its header names no kid");
  const found = keyOf(kid, ring);
  if ("reason" in found) return found;
  const publicKey = publicKeyIn(jwks, kid);
  if (!publicKey) return refusal("KeyNotPublished", `key ${shortKid(kid)} is not in the published JWKS`, kid);
  const { algorithm } = found.profile;
  if (jws.header["alg"] !== algorithm) {
    return refusal("AlgorithmMismatch", `its alg is not ${algorithm}, the algorithm of its key`, kid);
  }
  if (!signatureFits(jws, algorithm, publicKey)) {
    return refusal("SignatureInvalid", `its signature does not fit key ${shortKid(kid)}`, kid);
  }
  return judgeClaims(jws, found, { nowMs, skewMs: ring.settings.clockSkewMs });
}

const types = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
const dangerous = /^(crit|b64|jwk|jku|x5.*|zip|enc)$/;

/** RFC 8725 §3.10: keys that a token brings along, and extensions that nobody here knows, are refused. */
function oddHeader(header: OpenedJws["header"]): Refused | undefined {
  if (Object.keys(header).some((name) => dangerous.test(name))) {
    return refusal(
      "HeaderNotAllowed",
      "its header has a member that is never allowed: crit, b64, jwk, jku, x5*, zip or enc",
    );
  }
  const { typ } = header;
  const isKnown = typ === undefined || (typeof typ === "string" && types.includes(typ.toLowerCase()));
  return isKnown ? undefined : refusal("TypeNotAllowed", "its typ is neither JWT nor at+jwt");
}

function keyOf(kid: Kid, ring: Ring): Key | Refused {
  const revocation = ring.revoked.find((r) => r.kid === kid);
  if (revocation) {
    const why = revocation.reason === undefined ? "" : `: ${revocation.reason}`;
    return refusal("KeyRevoked", `key ${shortKid(kid)} was revoked at ${instant(revocation.revokedAtMs)}${why}`, kid);
  }
  const key = keysOf(ring).find((k) => k.kid === kid);
  return key ?? refusal("KidUnknown", `key ${shortKid(kid)} is not in the ring: pruned, or another issuer's`, kid);
}

interface Times {
  readonly nowMs: number;
  readonly skewMs: number;
}

function judgeClaims({ payload }: OpenedJws, key: Key, times: Times): Verdict {
  const { kid, profile } = key;
  const { iss, sub, aud } = payload;
  if (iss !== profile.issuer) return refusal("IssuerMismatch", `its issuer is not ${profile.issuer}`, kid);
  const audiences = [aud].flat().filter((one) => typeof one === "string");
  if (!audiences.some((one) => profile.audiences.includes(one))) {
    return refusal("AudienceMismatch", `its audience is not ${listed(profile.audiences, "or")}`, kid);
  }
  const { exp, nbf = 0, iat } = payload;
  for (const [name, value] of Object.entries({ exp, nbf, iat })) {
    if (value === undefined) return refusal("ClaimInvalid", `its claim ${name} is missing`, kid);
    if (typeof value !== "number" || !Number.isFinite(value)) {
      return refusal("ClaimInvalid", `its claim ${name} is not a number of seconds`, kid);
    }
  }
  const late = judgeTimes({ exp: Number(exp), nbf: Number(nbf), iat: Number(iat) }, key, times);
  if (late) return late;
  return {
    ...{ valid: true, key, audiences, expiresAtMs: Number(exp) * 1000 },
    ...(typeof sub === "string" && { subject: sub }),
  };
}

/** In seconds. */
interface Instants {
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
}

function judgeTimes({ exp, nbf, iat }: Instants, { kid, profile }: Key, { nowMs, skewMs }: Times): Refused | undefined {
  if (exp * 1000 + skewMs <= nowMs) return refusal("Expired", `it expired at ${instant(exp * 1000)}`, kid);
  if (nbf * 1000 > nowMs + skewMs) return refusal("NotYetValid", `it is valid from ${instant(nbf * 1000)} on`, kid);
  if (iat * 1000 > nowMs + skewMs) {
    return refusal("IssuedInFuture", `it was issued at ${instant(iat * 1000)}, in the future`, kid);
  }
  if ((exp - iat) * 1000 > profile.maxTTLMs) {
    const most = formatDuration(profile.maxTTLMs);
    return refusal("LifetimeTooLong", `it lives longer than ${most}, the most for its key`, kid);
  }
  return undefined;
}

/** A claim may be any number; not every number is an instant. */
function instant(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "no instant at all" : date.toISOString();
}
