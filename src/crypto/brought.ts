import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { adoptable, adoptableLimit, algorithmFor, type AdoptionContext } from "./adoptable.ts";
import { hasPrivateMember, mustDiffer, readSetKey, setEntries, type SetKey } from "./jwk-set.ts";
import { Cursor } from "../parse/cursor.ts";

/** Keys that a person brings along to a recovery. */
export interface BroughtKeys {
  readonly keys: readonly AdoptableKey[];
  readonly materials: KeyMaterials;
  /** Entries that were left out, each by its JSON path: other uses, unknown types. For people to read. */
  readonly ignored: readonly string[];
}

/**
 * Returns the keys of a public JWKS, to be verified for a window. Entries of another use or type are left
 * out (RFC 7517 §5 says to ignore them) and reported; `alg` may be absent.
 *
 * @throws ChangeNeededError `InvalidJwks`: no JWK Set, a private or secret key in it, one kid or key twice, no usable key,
 *   more than 14, or keys that sign and can't be used, each named
 */
export function readPublicJwks(text: string, context: AdoptionContext): BroughtKeys {
  const subject = { code: "InvalidJwks", action: "Cannot read JWKS" };
  const entries = setEntries(text, subject);
  for (const entry of entries) {
    if (hasPrivateMember(entry.fields())) throw entry.error("must be public, holds a private or secret member");
  }
  const ours = entries.filter((entry) => !isOfOtherKind(entry));
  const results = ours.map((entry) => attempt(entry, context));
  const unusable = results.filter((result) => typeof result === "string");
  if (unusable.length > 0) {
    // Left out, its tokens would be refused: whoever wants that takes it out of the set
    throw new ChangeNeededError(
      subject.code,
      [...unusable, "Take out of the set what is not to be verified"].join("; "),
    );
  }
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
    ignored: entries.filter(isOfOtherKind).map((entry) => `${entry.path} signs no tokens of this kind: left out`),
  };
}

/** For encryption, or of a type that none of our algorithms has (RFC 7517 §5: to be ignored). */
function isOfOtherKind(entry: Cursor): boolean {
  const fields = entry.fields();
  const use = fields.maybe("use")?.value;
  const kty = fields.maybe("kty")?.value;
  const isOther = (value: unknown, known: readonly string[]): boolean =>
    typeof value === "string" && !known.includes(value);
  return isOther(use, ["sig"]) || isOther(kty, ["EC", "OKP", "RSA"]);
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
