import { Cursor } from "../ring/codec/cursor.ts";
import { ChangeNeededError } from "../ring/errors.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { adoptable, adoptableLimit, algorithmFor, type AdoptionContext } from "./adoptable.ts";
import { hasPrivateMember, mustDiffer, readSetKey, setEntries, type SetKey } from "./jwk-set.ts";

/** Keys that a person brings along to a recovery. */
export interface BroughtKeys {
  readonly keys: readonly AdoptableKey[];
  readonly materials: KeyMaterials;
  /** Why entries were left out, each with its JSON path: other uses, unknown types, weak keys. For people to read. */
  readonly ignored: readonly string[];
}

/**
 * Returns the keys of a public JWKS, to be verified for a window. Entries that can't verify our tokens are left out
 * (RFC 7517 §5 says to ignore them) and reported; `alg` may be absent.
 *
 * @throws ChangeNeededError `InvalidJwks` with one reason: no JWK Set, a private or secret key in it, one kid or key
 *   twice, no usable key, more than 14
 */
export function readPublicJwks(text: string, context: AdoptionContext): BroughtKeys {
  const subject = { code: "InvalidJwks", action: "Cannot read JWKS" };
  const entries = setEntries(text, subject);
  for (const entry of entries) {
    if (hasPrivateMember(entry.fields())) throw entry.error("must be public, holds a private or secret member");
  }
  const results = entries.map((entry) => attempt(entry, context));
  const keys = results.filter((result) => typeof result !== "string");
  mustDiffer(keys);
  if (keys.length === 0 || keys.length > adoptableLimit) {
    throw new Cursor(undefined, "$.keys", subject).error(
      `must have 1 to ${adoptableLimit} keys that verify signatures, has ${keys.length}`,
    );
  }
  return {
    keys: keys.map((key) => adoptable({ ...key, material: key }, context)),
    materials: new Map(keys.map(({ kid, publicJwk }) => [kid, { publicJwk }])),
    ignored: results.filter((result) => typeof result === "string"),
  };
}

/** The key, or why it can't be one. */
function attempt(entry: Cursor, { algorithm }: AdoptionContext): SetKey | string {
  try {
    return readSetKey(entry, (jwk) => algorithmFor(jwk, algorithm));
  } catch (error) {
    if (error instanceof ChangeNeededError) return error.message;
    throw error;
  }
}
