import type { TokenType } from "./header.ts";
import type { RefusalReason } from "./reasons.ts";
import type { Members } from "../parse/object.ts";

/** What a caller demands of a token beside the key's profile. */
export interface Requirements {
  /** Claims that must be there and not null. @default none */
  readonly claims?: readonly string[];
  /** Scopes that `scope` must hold, all of them (RFC 8693 §4.2, RFC 9068 §2.2.3). @default none */
  readonly scopes?: readonly string[];
  /** The one `typ` that the header must say. @default both, and none at all */
  readonly type?: TokenType;
}

/** Why a header of this type is refused. */
export function typeFlaw(type: TokenType | undefined, required: Requirements): RefusalReason | undefined {
  return required.type === undefined || required.type === type ? undefined : "TypeNotAllowed";
}

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
  if (typeof scope !== "string") return "ClaimInvalid";
  const held = scope.split(" ");
  return scopes.every((one) => held.includes(one)) ? undefined : "ScopeMissing";
}
