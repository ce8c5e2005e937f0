import { type Algorithm, algorithms } from "../../ring/key.ts";
import type { ForeignCheck } from "./caller.ts";
import { fromBase64url } from "../../parse/base64url.ts";
import { membersInBytes } from "../../jwt/json-segment.ts";
import { type Members } from "../../parse/object.ts";

/** The first check that a token of somebody else does not pass, and what it must be; nothing of the token is in it. */
export interface Failed {
  readonly failed: ForeignCheck;
  readonly must: string;
}

export const failed = (check: ForeignCheck, must: string): Failed => ({ failed: check, must });

/** What a token says; nothing of it is verified. */
export interface ForeignToken {
  readonly algorithm: Algorithm;
  readonly claims: Members;
}

/** The longest token that is looked at, in bytes: its characters are ASCII. */
export const longestToken = 16_384;

/** Keys that a token brings along, and extensions that nobody here knows (RFC 8725 §3.10, RFC 7515 §4.1.11, RFC 7797 §3). */
const notAllowed: ReadonlySet<string> = new Set(["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "cty"]);

/** Everything but the signature that can be said without knowing who is trusted. Pure. */
export function readForeign(token: string): ForeignToken | Failed {
  if (token.length > longestToken) return failed("form", `must measure at most ${longestToken} bytes`);
  const [head, body, signature, more] = token.split(".");
  if (head === undefined || body === undefined || !signature || more !== undefined) {
    return failed("form", "must be a signed JWT in its compact form");
  }
  const [header, claims] = [partObject(head), partObject(body)];
  if (header === undefined || claims === undefined || fromBase64url(signature) === undefined) {
    return failed("form", "must be JSON objects in base64url, with each member once");
  }
  if (Object.keys(header).some((name) => notAllowed.has(name))) {
    return failed("header", "must have no key of its own in its header, nor any extension");
  }
  if (!isKnownType(header["typ"])) return failed("header", "must have the type JWT or at+jwt");
  const { alg, kid } = header;
  if (kid !== undefined && typeof kid !== "string") return failed("header", "must have a text as kid");
  // RFC 8725 §3.1: never `none`, and never a MAC, whose secret would be the public key
  const algorithm = algorithms.find((one) => one === alg);
  return algorithm === undefined ? failed("header", "must be signed with an asymmetric key") : { algorithm, claims };
}

function partObject(part: string): Members | undefined {
  const bytes = fromBase64url(part);
  const members = bytes && membersInBytes(bytes);
  return typeof members === "string" ? undefined : members;
}

/** RFC 8725 §3.11: a token that was made for something else (a logout, a DPoP proof, a request) says so by its type. */
const isKnownType = (typ: unknown): boolean =>
  typ === undefined || (typeof typ === "string" && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ));
