import type { KeyObject } from "node:crypto";
import { RuleError, TryLaterError } from "../errors/keyturn-error.ts";
import type { Kid } from "../ring/key.ts";
import type { Ring } from "../ring/ring.ts";
import { headerPart } from "./header.ts";
import { isJson } from "./json-segment.ts";
import { reservedClaims, type MintRequest } from "./mint-request.ts";
import { tokenDepthLimit, tokenLimit } from "./reasons.ts";
import { nodeSignatures } from "./node-signatures.ts";
import type { Sign, Signatures } from "./signatures.ts";
import { quoted } from "../errors/quote.ts";
import type { Members } from "../parse/object.ts";

/** A ring with its signer's private half, as far as it is there. */
export interface SigningRing {
  readonly ring: Ring;
  readonly half?: { readonly kid: Kid; readonly key: KeyObject };
}

export interface MinterOptions {
  /** A fresh `jti` at each call, of 128 bits of chance or more (RFC 7519 §4.1.7): `randomUUID`. */
  readonly newId: () => string;
  /** Kids that sign no more, whatever the ring says. @default none */
  readonly revokedKids?: ReadonlySet<Kid>;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
}

/** When a token is made. */
export interface MintTimes {
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** The fence: no token expires later. Unix milliseconds; Infinity where there is none. */
  readonly notAfterMs: number;
}

export interface Minted {
  readonly token: string;
  readonly kid: Kid;
  /** Its `jti`. */
  readonly id: string;
  readonly expiresAtMs: number;
}

/** The signer of a ring, ready to mint. Frozen; it holds the private half as a KeyObject alone. */
export interface Minter {
  readonly kid: Kid;
  /**
   * A token within the signer's profile: `iat` is the present second, begun (so never in the future), `exp` is the
   * least of what was asked for, what profile and settings allow, and the fence. Synchronous: one signature.
   *
   * @throws RuleError `SubjectInvalid`, `AudienceUnknown`, `TtlOutOfRange`, `ClaimReserved`, `ClaimInvalid` or `TokenTooLarge`:
   *   the request is at fault
   * @throws TryLaterError `MintFenced` when the fence leaves less than a second
   */
  readonly mint: (request: MintRequest, times: MintTimes) => Minted;
}

/** The ring's minter; undefined when the signer's private half is not there, or the signer is revoked. */
export function compileMinter({ ring, half }: SigningRing, options: MinterOptions): Minter | undefined {
  const { kid, profile } = ring.signer;
  if (half?.kid !== kid || options.revokedKids?.has(kid) === true) return undefined;
  const signer: Signer = {
    issuer: profile.issuer,
    audiences: profile.audiences,
    mostMs: Math.min(profile.maxTTLMs, ring.settings.mintMaxTTLMs),
    headers: { JWT: headerPart(profile.algorithm, "JWT", kid), "at+jwt": headerPart(profile.algorithm, "at+jwt", kid) },
    sign: (options.signatures ?? nodeSignatures).signer(half.key, profile.algorithm),
    newId: options.newId,
  };
  const mint = (request: MintRequest, times: MintTimes): Minted => ({ ...minted(signer, request, times), kid });
  return Object.freeze({ kid, mint });
}

interface Signer {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly mostMs: number;
  readonly headers: Readonly<Record<"JWT" | "at+jwt", string>>;
  readonly sign: Sign;
  readonly newId: () => string;
}

function minted(signer: Signer, request: MintRequest, times: MintTimes): Omit<Minted, "kid"> {
  const { subject, audience, claims = {}, idPrefix = "", type = "JWT" } = request;
  if (subject === "") throw new RuleError("SubjectInvalid", "Cannot mint without a subject");
  checkClaims(claims);
  const iat = Math.floor(times.nowMs / 1000);
  const exp = expiry(signer, request.ttlMs, times);
  const id = `${idPrefix}${signer.newId()}`;
  const payload = JSON.stringify({
    ...claims,
    iss: signer.issuer,
    sub: subject,
    aud: audienceOf(audience, signer.audiences),
    exp,
    iat,
    jti: id,
  });
  const token = signer.sign(signer.headers[type], payload);
  if (token.length > tokenLimit) {
    const reason = `must have at most ${tokenLimit} characters, would have ${token.length}`;
    throw new RuleError("TokenTooLarge", `Cannot mint token: ${reason}`);
  }
  return { token, id, expiresAtMs: exp * 1000 };
}

/** In seconds since 1970. */
function expiry({ mostMs }: Signer, ttlMs: number = mostMs, { nowMs, notAfterMs }: MintTimes): number {
  if (!(ttlMs >= 1000) || ttlMs % 1000 !== 0) {
    throw new RuleError("TtlOutOfRange", `Cannot mint for ${ttlMs} ms: must be whole seconds, 1 or more`);
  }
  const iat = Math.floor(nowMs / 1000);
  const exp = Math.min(iat + Math.min(ttlMs, mostMs) / 1000, Math.floor(notAfterMs / 1000));
  if (exp > iat) return exp;
  throw new TryLaterError("MintFenced", "Cannot mint: no fresh word that the signer still signs");
}

function audienceOf(wanted: MintRequest["audience"], audiences: readonly string[]): string | readonly string[] {
  const [first = ""] = audiences;
  const all = wanted === undefined ? [first] : [wanted].flat();
  const strange = all.find((one) => !audiences.includes(one));
  if (all.length > 0 && strange === undefined) return all.length === 1 ? (all[0] ?? first) : all;
  const known = audiences.map((one) => `"${one}"`).join(" or ");
  throw new RuleError("AudienceUnknown", `Cannot mint for audience ${quoted(strange ?? "")}: must be ${known}`);
}

function checkClaims(claims: Members): void {
  for (const name of Object.keys(claims)) {
    if (reserved.has(name)) {
      throw new RuleError(
        "ClaimReserved",
        `Cannot set claim "${name}": the minter alone sets ${reservedClaims.join(", ")}`,
      );
    }
    if (isJson(claims[name], tokenDepthLimit - 1)) continue;
    const reason = `must be JSON, at most ${tokenDepthLimit - 1} deep`;
    throw new RuleError("ClaimInvalid", `Cannot set claim ${quoted(name)}: ${reason}`);
  }
}

const reserved: ReadonlySet<string> = new Set(reservedClaims);
