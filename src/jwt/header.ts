import type { Algorithm, Kid } from "../ring/key.ts";
import type { RefusalReason } from "./reasons.ts";
import { fromBase64url } from "../parse/base64url.ts";
import { membersInBytes } from "./json-segment.ts";

/** Types of token that are minted (RFC 7519 §5.1, RFC 9068 §2.1). */
export const tokenTypes = ["JWT", "at+jwt"] as const;
/** What the `typ` of a token of ours may be. */
export type TokenType = (typeof tokenTypes)[number];

/** What a JOSE header says, as far as it is obeyed. */
export interface TokenHeader {
  readonly kid: string;
  /** Only ever compared with the key's own algorithm. */
  readonly alg: unknown;
  /** As {@link mediaType} has it; undefined when the header does not say. */
  readonly type: string | undefined;
}

/**
 * Keys that a token brings along, and extensions that nobody here knows (RFC 8725 §3.10, RFC 7515 §4.1.11, RFC 7797 §3). What only names
 * a certificate (`x5t`, `x5t#S256`) brings none, and is ignored as all that is not known (RFC 7515 §4).
 */
const notAllowed = /^(?:crit|b64|jwk|jku|x5[cu]|zip|enc)$/;

/** The header, or why the token is refused for it. */
export function readHeader(part: string): TokenHeader | RefusalReason {
  const bytes = fromBase64url(part);
  if (bytes === undefined) return "Malformed";
  const members = membersInBytes(bytes);
  if (typeof members === "string") return members;
  for (const name of Object.keys(members)) {
    if (notAllowed.test(name)) return "HeaderNotAllowed";
  }
  const { kid, alg, typ } = members;
  if (typ !== undefined && typeof typ !== "string") return "TypeNotAllowed";
  const type = typ === undefined ? undefined : mediaType(typ);
  return typeof kid === "string" ? { kid, alg, type } : "KidMissing";
}

/** One text for one media type: in lower case, and without `application/` where nothing else is left out (RFC 7515 §4.1.9). */
export const mediaType = (typ: string): string => typ.toLowerCase().replace(/^application\/(?=[^/]*$)/, "");

/** The header that this library mints, as canonical base64url; the same text for every token of a key and type. */
export const headerPart = (alg: Algorithm, typ: TokenType, kid: Kid): string =>
  Buffer.from(JSON.stringify({ alg, typ, kid })).toString("base64url");
