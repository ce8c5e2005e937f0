import { tokenTypes, type TokenType } from "./header.ts";
import { membersIn } from "./json-segment.ts";
import { tokenDepthLimit } from "./reasons.ts";
import { type Members, isObject } from "../parse/object.ts";
import { Cursor, type ObjectCursor } from "../parse/cursor.ts";

/** What a token is to say. Everything else in it is the minter's. */
export interface MintRequest {
  /** `sub` (RFC 7519 §4.1.2), 1 to 255 characters without control characters. */
  readonly subject: string;
  /** `aud`: one of the profile's audiences, or several (RFC 7519 §4.1.3); one is written without a list. @default the first of them */
  readonly audience?: string | readonly string[];
  /** How long the token is to live: whole seconds from 1 s up, in milliseconds. Capped, never raised. @default the most */
  readonly ttlMs?: number;
  /** Other claims by name; none of {@link reservedClaims}. @default none */
  readonly claims?: Members;
  /** What `jti` begins with, before a fresh id. @default nothing */
  readonly idPrefix?: string;
  /** `typ` of the header. @default "JWT" */
  readonly type?: TokenType;
}

/** Claims that only the minter sets (RFC 7519 §4.1). */
export const reservedClaims = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] as const;

const subject = { code: "MintRequestInvalid", action: "Cannot mint" };
const longestText = 255;

/**
 * The request in a JSON text `{sub, audience?, ttlSeconds?, claims?, type?}`. Unknown members are refused, and so is what
 * this library would refuse to read in a token: a name that stands twice, and JSON that is too deep.
 *
 * @throws ChangeNeededError `MintRequestInvalid` with one reason and its JSON path
 */
export function readMintRequest(text: string): MintRequest {
  const members = membersIn(text);
  const root = new Cursor(typeof members === "string" ? undefined : members, "$", subject);
  if (typeof members === "string") throw root.error(flaws[members]);
  const fields = root.fields().only(["sub", "audience", "ttlSeconds", "claims", "type"]);
  return { subject: fields.at("sub").text(longestText), ...optionalFields(fields) };
}

const flaws = {
  Malformed: "must be a JSON object",
  TooDeep: `must not be deeper than ${tokenDepthLimit}`,
  DuplicateMember: "must have each member once",
};

function optionalFields(fields: ObjectCursor): Omit<MintRequest, "subject"> {
  const audience = fields.maybe("audience")?.text(longestText);
  const ttlMs = fields.maybe("ttlSeconds")?.seconds(1);
  const claims = fields.maybe("claims");
  const type = fields.maybe("type")?.oneOf(tokenTypes);
  return {
    ...(audience !== undefined && { audience }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(claims !== undefined && { claims: readOwnClaims(claims) }),
    ...(type !== undefined && { type }),
  };
}

function readOwnClaims(at: Cursor): Members {
  if (isObject(at.value)) return at.value;
  throw at.error("must be an object");
}
