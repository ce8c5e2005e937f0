import { identity, jwkMembers, misfit, readPublicJwk } from "../ring/codec/read-jwk.ts";
import { longest } from "../ring/codec/wire.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import { algorithms, type Algorithm, type Kid } from "../ring/key.ts";
import { publicKeyObject } from "./key-objects.ts";
import { type Cursor, type ObjectCursor, type Subject } from "../parse/cursor.ts";
import { parseJson } from "../parse/document.ts";

/** The most entries that are looked at; how many are taken is for the caller to say. */
const entryLimit = 64;

/** One key of a foreign JWK Set, its public half checked. */
export interface SetKey {
  readonly at: Cursor;
  readonly fields: ObjectCursor;
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  /** It has no `alg`: the fallback spoke. */
  readonly isUnstated: boolean;
  readonly publicJwk: PublicJwk;
}

/** Not the name that anybody means: control and format characters (a byte order mark is one), and bytes that were no UTF-8. */
const unlikely = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFD]|^\s|\s$/u;

/**
 * A kid that somebody else gave. Tokens name it to the last byte: one that an editor or a copy has changed is refused, since
 * each token of the key would be, later.
 */
export function readKid(at: Cursor): Kid {
  const kid = at.text(longest.kid);
  if (!unlikely.test(kid)) return kid;
  throw at.error("must be UTF-8 without a byte order mark, invisible characters, or white space around it");
}

/** The entries of a JWK Set (RFC 7517 §5), in order; unknown members of the set are ignored. */
export function setEntries(text: string, subject: Subject): readonly Cursor[] {
  const keys = parseJson(text, { subject, publicOnly: false }).fields().at("keys");
  const entries = keys.list(entryLimit);
  if (entries.length === 0) throw keys.error("must have at least one item");
  return entries;
}

/**
 * Returns one entry; members that are not known are ignored (RFC 7517 §4).
 *
 * @param fallback what `alg` stands for when it is absent: undefined when it must be there
 * @param kidOf how its kid is read
 */
export function readSetKey(at: Cursor, fallback?: (jwk: PublicJwk) => Algorithm, kidOf = readKid): SetKey {
  const fields = at.fields();
  const kid = kidOf(fields.at("kid"));
  fields.maybe("use")?.oneOf(["sig"]);
  const publicJwk = readPublicJwk(fields);
  const isUnstated = fields.maybe("alg") === undefined;
  const algorithm = fallback && isUnstated ? fallback(publicJwk) : fields.at("alg").oneOf(algorithms);
  const unfit = misfit(algorithm, publicJwk);
  if (unfit !== undefined) throw at.error(unfit);
  mustBeKey(at, publicJwk);
  return { at, fields, kid, algorithm, isUnstated, publicJwk };
}

/** True when the entry has a member that only a private or a secret key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
export function hasPrivateMember(fields: ObjectCursor): boolean {
  return [...jwkMembers("RSA", "private"), "oth", "k"].some(
    (name) => !jwkMembers("RSA", "public").includes(name) && fields.maybe(name) !== undefined,
  );
}

/** @throws ChangeNeededError when two entries share a kid or a key: revoking one would leave the other at work */
export function mustDiffer(keys: readonly SetKey[]): void {
  const kids = new Map<string, Cursor>();
  const halves = new Map<string, Cursor>();
  for (const { at, fields, kid, publicJwk } of keys) {
    const sameKid = kids.get(kid);
    if (sameKid) throw fields.at("kid").repeats(sameKid);
    const sameKey = halves.get(identity(publicJwk));
    if (sameKey) throw at.error(`must be unique, the same key stands in ${sameKey.path} too`);
    kids.set(kid, at);
    halves.set(identity(publicJwk), at);
  }
}

function mustBeKey(at: Cursor, publicJwk: PublicJwk): void {
  try {
    publicKeyObject(publicJwk);
  } catch {
    throw at.error("must be a point of its curve");
  }
}
