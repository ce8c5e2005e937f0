import { hasPrivateMember, readSetKey, type SetKey } from "../crypto/jwk-set.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { Cursor } from "../parse/cursor.ts";
import { parseJson } from "../parse/document.ts";
import { defaultAlgorithm } from "../ring/codec/read-jwk.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import { type Algorithm, isRsa, isSameAlgorithm } from "../ring/key.ts";
import { leewayOf } from "./keys.ts";
import type { TrustedKey } from "./verifying-key.ts";

/** What is known of an issuer whose keys come as a JWK Set: the set says nothing of it. */
export interface TrustedIssuer {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** One of them must stand in `aud`. */
  readonly audiences: readonly string[];
  /** Keys of other algorithms are passed over. */
  readonly algorithms: readonly Algorithm[];
  /** The longest `exp - iat` of a token; may be infinite. */
  readonly maxTTLMs: number;
  /** How far a clock may be from the right time, either way: two clocks may differ by twice that. */
  readonly clockSkewMs: number;
}

export interface TrustedSet {
  readonly keys: readonly TrustedKey[];
  /** Why keys that stand in the set are no good; those of algorithms that are not trusted, or not for signatures, need no word. */
  readonly problems: readonly string[];
}

/** More keys than that nobody has. */
const mostKeys = 100;
const subject = { code: "KeySetUnreadable", action: "Cannot read key set" };

/**
 * The keys of a JWK Set (RFC 7517 §5), each with the one algorithm that it may be used for (RFC 8725 §3.1): what its `alg` says, else
 * what its type has; an RSA key serves the one that is trusted, or else RS256. What is no good is passed over, as §5 has it. No
 * key at all is an answer as well: nothing is good any more.
 *
 * @throws ChangeNeededError `KeySetUnreadable` when it is no set, or two of its keys have one name, or none of them is any good
 */
export function readKeySet(text: string, trusted: TrustedIssuer): TrustedSet {
  const entries = parseJson(text, { subject, publicOnly: false }).fields().at("keys");
  const read = entries.list(mostKeys).map((at) => readEntry(at, trusted));
  const keys = read.flatMap(({ key }) => key ?? []);
  if (keys.length === 0 && read.length > 0) throw entries.error("must have a key that can verify");
  mustHaveOwnNames(keys);
  return { keys: keys.map((key) => trustedKey(key, trusted)), problems: read.flatMap(({ problem }) => problem ?? []) };
}

interface ReadEntry {
  readonly key?: SetKey;
  readonly problem?: string;
}

function readEntry(at: Cursor, { algorithms }: TrustedIssuer): ReadEntry {
  try {
    const fields = at.fields();
    if (isOtherwiseUsed(fields.maybe("use")?.value, fields.maybe("key_ops")?.value)) return {};
    if (hasPrivateMember(fields)) throw at.error("must be public: a key whose private half is known is nobody's");
    const key = readSetKey(at, (jwk) => unstated(jwk, algorithms));
    return algorithms.some((one) => isSameAlgorithm(one, key.algorithm)) ? { key } : {};
  } catch (error) {
    if (error instanceof ChangeNeededError) return { problem: error.message };
    throw error;
  }
}

/** RFC 7517 §4.2, §4.3: not for signatures, or not for verifying them. */
const isOtherwiseUsed = (use: unknown, operations: unknown): boolean =>
  use === "enc" || (Array.isArray(operations) && !operations.includes("verify"));

/** What stands for an `alg` that is not there. */
function unstated(jwk: PublicJwk, algorithms: readonly Algorithm[]): Algorithm {
  const [only, another] = algorithms.filter(isRsa);
  return jwk.kty === "RSA" && only !== undefined && another === undefined ? only : defaultAlgorithm(jwk);
}

function mustHaveOwnNames(keys: readonly SetKey[]): void {
  const seen = new Map<string, Cursor>();
  for (const { fields, kid } of keys) {
    const other = seen.get(kid);
    if (other) throw fields.at("kid").repeats(other);
    seen.set(kid, fields.at("kid"));
  }
}

function trustedKey({ kid, algorithm, publicJwk }: SetKey, trusted: TrustedIssuer): TrustedKey {
  const { issuer, audiences, maxTTLMs, clockSkewMs } = trusted;
  return { kid, publicJwk, profile: { algorithm, issuer, audiences, maxTTLMs }, leewayMs: leewayOf(clockSkewMs) };
}
