import { hash } from "node:crypto";
import type { Kid } from "../ring/key.ts";
import { readClaims, timeFlaw } from "./registered-claims.ts";
import { membersIn, seenMembersIn } from "./json-segment.ts";
import { Keys, ringKeys, verifyingKeys, type PublicRing } from "./keys.ts";
import type { Accepted, TrustedKey, VerifiedToken, VerifyingKey } from "./verifying-key.ts";
import { refusalReasons, tokenLimit, type RefusalReason } from "./reasons.ts";
import type { RevokedSet } from "./revoked-set.ts";
import { requirementFlaw, typeFlaw, type Requirements } from "./requirements.ts";
import { nodeSignatures } from "./node-signatures.ts";
import type { Signatures } from "./signatures.ts";
import { frozen } from "../parse/frozen.ts";

interface Refused {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** Of `Revoked`: it is this token alone, and neither its grant nor its subject. @default false */
  readonly isTokenAlone?: true;
}

export type Verdict = Accepted | Refused;

/** Keys, ready to verify. Nothing changes what it accepts: to change the keys is to put another verifier in its place. */
export interface Verifier {
  /** By kid; without those that are revoked. */
  readonly keys: ReadonlyMap<Kid, VerifyingKey>;
  /**
   * Judges one token by its key's own profile (RFC 8725 §3.1: the algorithm is never the token's choice) and by what the
   * caller requires. `nowMs` is Unix milliseconds. Synchronous, without any call outside, and never throws.
   */
  readonly verify: (token: string, nowMs: number, required?: Requirements) => Verdict;
}

export interface CompileOptions {
  /** The verifier whose place is taken: what its keys remember stays with those that stay the same. @default none */
  readonly previous?: Verifier;
  /** Kids that are refused as revoked; of a ring, beside those that it revoked. @default none */
  readonly revokedKids?: Iterable<Kid>;
  /** Asked about every token, also about one that is remembered: what comes in there counts at once. @default nothing is revoked */
  readonly revoked?: Pick<RevokedSet, "isEmpty" | "has"> & Partial<Pick<RevokedSet, "hasOwner">>;
  /**
   * How many verified tokens each key remembers in one of its two generations, by their SHA-256; 0 for none. A token that
   * is remembered costs one hash instead of one signature; so many that are used in turn are all remembered, one more and perhaps none. Each takes some 1.5 bytes
   * for each of its characters. @default 4096
   */
  readonly cacheEntries?: number;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
}

/**
 * The verifier of a ring that was opened and proved (`openKeyRing`).
 *
 * @throws ChangeNeededError `KeyUnusable` when a JWK is no key of its profile's algorithm
 */
export function compileRing(of: PublicRing, options: CompileOptions = {}): Verifier {
  const revokedKids = [...of.ring.revoked.map(({ kid }) => kid), ...(options.revokedKids ?? [])];
  return compileKeys(ringKeys(of), { ...options, revokedKids });
}

/**
 * The verifier of these keys and no others; of each kid there must be one.
 *
 * @throws ChangeNeededError `KeyUnusable` when a JWK is no key of its profile's algorithm
 */
export function compileKeys(trusted: readonly TrustedKey[], options: CompileOptions = {}): Verifier {
  const { previous, revoked = noneRevoked, cacheEntries = 4096, signatures = nodeSignatures } = options;
  const refusedKids = new Set(options.revokedKids);
  const compiled = verifyingKeys(trusted, previous?.keys ?? new Map(), { cacheEntries, signatures });
  const keys = new Keys(
    compiled.filter(({ kid }) => !refusedKids.has(kid)),
    refusedKids,
  );
  const force = { keys, revoked };
  return Object.freeze({
    keys: keys.byKid,
    verify: (token: string, nowMs: number, required: Requirements = nothing): Verdict =>
      judge(force, { token, nowMs, required }),
  });
}

const nothing: Requirements = Object.freeze({});
const noneRevoked: NonNullable<CompileOptions["revoked"]> = Object.freeze({ isEmpty: true, has: () => false });

/** What a token is judged by. */
interface Force {
  readonly keys: Keys;
  readonly revoked: NonNullable<CompileOptions["revoked"]>;
}

interface Question {
  readonly token: string;
  readonly nowMs: number;
  readonly required: Requirements;
}

function judge({ keys, revoked }: Force, { token, nowMs, required }: Question): Verdict {
  if (token.length > tokenLimit) return refused("TooLarge");
  const headerEnd = token.indexOf(".");
  const inputEnd = token.indexOf(".", headerEnd + 1);
  if (headerEnd < 0 || inputEnd < 0) return refused("Malformed");
  const part = token.slice(0, headerEnd);
  const known = keys.known(part);
  const header = known ?? keys.read(part);
  if (typeof header === "string") return refused(header);
  const unfit = typeFlaw(header.type, required);
  if (unfit !== undefined) return refused(unfit);
  const good = goodToken(header.key, { token, headerEnd, inputEnd, nowMs });
  if (typeof good === "string") return refused(good);
  if (known === undefined) keys.learn(part, header);
  const { claims } = good.accepted;
  if (!revoked.isEmpty && revoked.has(claims)) {
    return revoked.hasOwner?.(claims) === false ? tokenRevoked : refused("Revoked");
  }
  const flaw = requirementFlaw(claims, required);
  if (flaw !== undefined) return refused(flaw);
  header.key.tally.accepted += 1;
  return good.accepted;
}

interface Parts {
  readonly token: string;
  /** Where the first dot stands. */
  readonly headerEnd: number;
  /** Where the second one stands: what is before it was signed (RFC 7515 §5.1). */
  readonly inputEnd: number;
  readonly nowMs: number;
}

/** The token as its key's profile and the present allow it; or why they don't. */
function goodToken(key: VerifyingKey, parts: Parts): VerifiedToken | RefusalReason {
  if (key.remembered.isOff) return verifiedToken(key, parts);
  const { token, nowMs } = parts;
  const digest = hash("sha256", token, "binary");
  const known = key.remembered.get(digest, nowMs);
  if (known === undefined) {
    const fresh = verifiedToken(key, parts);
    if (typeof fresh !== "string") key.remembered.set(digest, fresh, nowMs);
    return fresh;
  }
  const flaw = timeFlaw(known, key, nowMs);
  if (flaw === "Expired") key.remembered.delete(digest);
  return flaw ?? known;
}

/** The claims are read after the signature: until then they are anybody's words. */
function verifiedToken(key: VerifyingKey, { token, headerEnd, inputEnd, nowMs }: Parts): VerifiedToken | RefusalReason {
  const payload = key.verify(token, headerEnd, inputEnd);
  if (payload === undefined) return "Malformed";
  if (payload === false) return "SignatureInvalid";
  const claims = typeof payload === "string" ? seenMembersIn(payload) : membersIn(payload.text);
  if (typeof claims === "string") return claims;
  const instants = readClaims(claims, key.profile);
  if (typeof instants === "string") return instants;
  const flaw = timeFlaw(instants, key, nowMs);
  if (flaw !== undefined) return flaw;
  const { exp, iat, nbf } = instants;
  const accepted: Accepted = Object.freeze({ ok: true, kid: key.kid, claims: frozen(claims), expiresAtMs: exp * 1000 });
  return { exp, iat, nbf, accepted, characters: token.length };
}

/** One object for each reason: a flood of bad tokens leaves no garbage behind. */
const refusals: ReadonlyMap<RefusalReason, Refused> = new Map(
  refusalReasons.map((reason) => [reason, Object.freeze({ ok: false, reason })]),
);

const tokenRevoked: Refused = Object.freeze({ ok: false, reason: "Revoked", isTokenAlone: true });

const refused = (reason: RefusalReason): Refused => refusals.get(reason) ?? { ok: false, reason };
