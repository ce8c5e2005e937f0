import type { Algorithm, Kid } from "../ring/key.ts";
import type { RefusalReason } from "./reasons.ts";
import { fromBase64url } from "../parse/base64url.ts";
import type { Members } from "../parse/object.ts";
import { membersInBytes } from "./json-segment.ts";

/** Types of token that are told apart (RFC 7519 §5.1, RFC 9068 §2.1). */
export const tokenTypes = ["JWT", "at+jwt"] as const;
/** What the `typ` of a token may be. */
export type TokenType = (typeof tokenTypes)[number];

/** What a JOSE header says, as far as it is obeyed. */
export interface TokenHeader {
  readonly kid: string;
  /** Only ever compared with the key's own algorithm. */
  readonly alg: unknown;
  /** Undefined when the header does not say. */
  readonly type: TokenType | undefined;
}

/** Keys that a token brings along, and extensions that nobody here knows (RFC 8725 §3.10, RFC 7515 §4.1.11, RFC 7797 §3). */
const notAllowed = /^(?:crit|b64|jwk|jku|x5.*|zip|enc)$/s;

/** The header, or why the token is refused for it. */
export function readHeader(part: string): TokenHeader | RefusalReason {
  const bytes = fromBase64url(part);
  if (bytes === undefined) return "Malformed";
  const members = membersInBytes(bytes);
  if (typeof members === "string") return members;
  for (const name of Object.keys(members)) {
    if (notAllowed.test(name)) return "HeaderNotAllowed";
  }
  const type = typeOf(members);
  if (type === null) return "TypeNotAllowed";
  const { kid, alg } = members;
  return typeof kid === "string" ? { kid, alg, type } : "KidMissing";
}

/** Null for a type that is not allowed. RFC 7515 §4.1.9: a media type, in any case, `application/` left out or not. */
function typeOf({ typ }: Members): TokenType | null | undefined {
  if (typ === undefined) return undefined;
  if (typeof typ !== "string") return null;
  switch (typ.toLowerCase()) {
    case "jwt":
    case "application/jwt":
      return "JWT";
    case "at+jwt":
    case "application/at+jwt":
      return "at+jwt";
    default:
      return null;
  }
}

/** The header that this library mints, as canonical base64url; the same text for every token of a key and type. */
export const headerPart = (alg: Algorithm, typ: TokenType, kid: Kid): string =>
  Buffer.from(JSON.stringify({ alg, typ, kid })).toString("base64url");
