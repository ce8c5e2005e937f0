import { mediaType, tokenTypes } from "./header.ts";
import type { RefusalReason } from "./reasons.ts";
import type { Members } from "../parse/object.ts";

/** What a caller demands of a token beside the key's profile. */
export interface Requirements {
  /** Claims that must be there and not null. @default none */
  readonly claims?: readonly string[];
  /** Scopes that `scope` must hold, all of them (RFC 8693 §4.2, RFC 9068 §2.2.3); a list of texts is taken, too. @default none */
  readonly scopes?: readonly string[];
  /** What `typ` may be, where the header says one; in any case, with `application/` or without. @default JWT and at+jwt */
  readonly types?: readonly string[];
  /** The one `typ` that the header must say; with it `types` say nothing. @default none needs to be there */
  readonly type?: string;
}

const usualTypes = tokenTypes.map(mediaType);

/** Why a header of this type is refused: tokens of other kinds, an id token or a proof, must not be taken for one (RFC 8725 §3.11). */
export function typeFlaw(type: string | undefined, required: Requirements): RefusalReason | undefined {
  const { type: only, types = usualTypes } = required;
  if (only !== undefined) return isAmong(type, [only]) ? undefined : "TypeNotAllowed";
  return type === undefined || isAmong(type, types) ? undefined : "TypeNotAllowed";
}

/** The first look is enough where they are written as they are compared. */
const isAmong = (type: string | undefined, types: readonly string[]): boolean =>
  type !== undefined && (types.includes(type) || types.some((one) => mediaType(one) === type));

/** Why claims that are good by themselves are refused. */
export function requirementFlaw(claims: Members, required: Requirements): RefusalReason | undefined {
  for (const name of required.claims ?? []) {
    // Not `claims[name]` alone: every object has a "constructor"
    if (!Object.hasOwn(claims, name) || claims[name] === null) return "ClaimMissing";
  }
  return required.scopes === undefined ? undefined : scopeFlaw(claims["scope"], required.scopes);
}

function scopeFlaw(scope: unknown, scopes: readonly string[]): RefusalReason | undefined {
  if (scopes.length === 0) return undefined;
  if (scope === undefined) return "ScopeMissing";
  const held = typeof scope === "string" ? scope.split(" ") : scope;
  if (!isListOfTexts(held)) return "ClaimInvalid";
  return scopes.every((one) => held.includes(one)) ? undefined : "ScopeMissing";
}

const isListOfTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
