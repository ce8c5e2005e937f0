import { readHeader } from "../../jwt/header.ts";
import { tokenDepthLimit, tokenLimit, type RefusalReason } from "../../jwt/reasons.ts";
import { shortKid } from "../../ring/describe.ts";
import { formatDuration } from "../../parse/duration.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { keysOf, type Revocation, type Ring } from "../../ring/ring.ts";
import { listed } from "../text/words.ts";
import { fromBase64url } from "../../parse/base64url.ts";
import { type Members } from "../../parse/object.ts";
import { membersInBytes } from "../../jwt/json-segment.ts";

/** A token that a gateway would refuse, and why. */
export interface TokenRefusal {
  readonly reason: RefusalReason;
  /** For people, `it expired at …`. */
  readonly message: string;
  /** As the header names it; absent where it can't be read, or is no name that is to be shown. */
  readonly kid?: Kid;
}

/** @param ring - The newest that is known: it says more of a key than the published one */
export function refusal(reason: RefusalReason, token: string, ring: Ring): TokenRefusal {
  const kid = kidOf(reason, token);
  const known = kid === undefined ? {} : knownOf(kid, ring);
  const message = words[reason]({ ...known, ...(kid !== undefined && { kid }), token });
  return { reason, message, ...(kid !== undefined && { kid }) };
}

interface About {
  readonly token: string;
  readonly kid?: Kid;
  readonly key?: Key;
  readonly revocation?: Revocation;
}

/**
 * The reasons of `src/jwt` in people's words. Of a token that no key signed, nothing but its kid gets in here; what comes after
 * the signature may say what the token says.
 */
const words: Readonly<Record<RefusalReason, (about: About) => string>> = {
  TooLarge: () => `it has more than ${tokenLimit} characters`,
  Malformed: () => "it is no JWS in compact form, of two JSON objects",
  TooDeep: () => `objects or lists of its header or claims lie more than ${tokenDepthLimit} deep in each other`,
  DuplicateMember: () => "a name stands twice in one object of its header or claims",
  HeaderNotAllowed: () => "its header has a member that is never allowed: crit, b64, jwk, jku, x5*, zip or enc",
  TypeNotAllowed: () => "its typ is neither JWT nor at+jwt",
  KidMissing: () => "its header names no kid",
  KeyRevoked: ({ kid, revocation }) => {
    const when = revocation === undefined ? "" : ` at ${instant(revocation.revokedAtMs)}`;
    return `${named(kid)} was revoked${when}${revocation?.reason === undefined ? "" : `: ${revocation.reason}`}`;
  },
  KidUnknown: ({ kid, key }) =>
    key
      ? `${named(kid)} is in the ring, but is not published yet`
      : `${named(kid)} is not in the ring: pruned, or another issuer's`,
  AlgorithmMismatch: ({ key }) => `its alg is not ${key?.profile.algorithm ?? "that"}, the algorithm of its key`,
  SignatureInvalid: ({ kid }) => `its signature does not fit ${named(kid)}`,
  IssuerMismatch: ({ key }) => `its issuer is not ${key?.profile.issuer ?? "its key's"}`,
  AudienceMismatch: ({ key }) => `its audience is not ${key ? listed(key.profile.audiences, "or") : "its key's"}`,
  ClaimMissing: () => "it lacks a claim that it must have",
  ClaimInvalid: () =>
    "a claim has the wrong type: exp, iat and nbf must be numbers of seconds, sub and jti texts, aud a text or a list of texts",
  Expired: ({ token }) => `it expired at ${claimInstant(token, "exp")}`,
  NotYetValid: ({ token }) => `it is valid from ${claimInstant(token, "nbf")} on`,
  IssuedInFuture: ({ token }) => `it was issued at ${claimInstant(token, "iat")}, in the future`,
  LifetimeTooLong: ({ key }) =>
    `it lives longer than ${key ? formatDuration(key.profile.maxTTLMs) : "allowed"}, the most for its key (without iat: from now on)`,
  Revoked: () => "it, its grant or its subject was revoked",
  ScopeMissing: () => "it lacks a scope that is required",
};

const named = (kid: Kid | undefined): string => (kid === undefined ? "its key" : `key ${shortKid(kid)}`);

/** Anybody writes the kid of a token that is refused: a screen gets no control characters of theirs. */
const showable = /^[\x21-\x7e]{1,128}$/;

function kidOf(reason: RefusalReason, token: string): Kid | undefined {
  if (reason === "TooLarge") return undefined;
  const header = readHeader(token.slice(0, Math.max(0, token.indexOf("."))));
  return typeof header === "string" || !showable.test(header.kid) ? undefined : header.kid;
}

function knownOf(kid: Kid, ring: Ring): Pick<About, "key" | "revocation"> {
  const key = keysOf(ring).find((one) => one.kid === kid);
  const revocation = ring.revoked.find((one) => one.kid === kid);
  return { ...(key && { key }), ...(revocation && { revocation }) };
}

/** Of a token whose signature was found good. */
function claimInstant(token: string, name: "exp" | "nbf" | "iat"): string {
  const value = claimsOf(token)[name];
  return instant(typeof value === "number" ? value * 1000 : NaN);
}

function claimsOf(token: string): Members {
  const bytes = fromBase64url(token.split(".")[1] ?? "");
  const members = bytes && membersInBytes(bytes);
  return members === undefined || typeof members === "string" ? {} : members;
}

/** A claim may be any number; not every number is an instant. */
function instant(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "no instant at all" : date.toISOString();
}

/** Where the parts of a request to mint come from, on a command line. */
const flags: readonly (readonly [path: RegExp, flag: string])[] = [
  [/^\$\.sub\b/, "--sub"],
  [/^\$\.audience\b/, "--audience"],
  [/^\$\.ttlSeconds\b/, "--ttl, in seconds"],
  [/^\$\.type\b/, "--type"],
  // What else can be wrong with the text as a whole: names that stand twice, and depth
  [/^\$(\.claims)?/, "--claim"],
];

/** What was wrong with a request to mint, named as the person asked for it. */
export function mintWords(message: string): string {
  const [action = "", rest = ""] = message.split(/: (.*)/s);
  const found = flags.find(([path]) => path.test(rest));
  return found ? `${action}: ${rest.replace(found[0], found[1])}` : message;
}
