import type { KeyObject } from "node:crypto";
import { shortKid } from "../../ring/describe.ts";
import { formatDuration } from "../../ring/duration.ts";
import { RuleError } from "../../ring/errors.ts";
import type { Ring } from "../../ring/ring.ts";
import { nameOf } from "../change.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../home.ts";
import { firstLook } from "../look.ts";
import { line, type Io } from "../screen.ts";
import { listed } from "../words.ts";
import { keysOfJwks, privateKeyIn } from "./jwks.ts";
import { compactJws } from "./jws.ts";

export interface MintOptions {
  readonly subject: string;
  /** One of the signer's audiences. @default the first of them */
  readonly audience?: string;
  /** At most what the signer promises and the settings allow. @default that */
  readonly ttlMs?: number;
  /** Other claims by name. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** `typ` of the header; `at+jwt` is an access token (RFC 9068 §2.1). */
  readonly type: "JWT" | "at+jwt";
}

/** Claims that only the minter sets. */
const reserved = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/** Prints a token of the present signer. */
export async function mint(home: RingHome, options: MintOptions, io: Io): Promise<ExitCode> {
  const { ring, seen, nowMs } = await firstLook(home, io);
  if (!ring) throw new RuleError("NoRing", `Cannot mint: ${nameOf(seen.rotation)} has no ring yet`);
  const key = await signingKey(home, ring);
  line(io.out, signed(options, ring, { key, nowMs, id: io.randomId() }));
  return exitCodes.done;
}

async function signingKey(home: RingHome, { signer }: Ring): Promise<KeyObject> {
  const key = privateKeyIn(keysOfJwks(await home.privateJwks()) ?? [], signer.kid);
  if (key) return key;
  throw new RuleError("SignerLost", `Cannot mint: the private half of the signer ${shortKid(signer.kid)} is not here`);
}

interface Stamp {
  readonly key: KeyObject;
  readonly nowMs: number;
  readonly id: string;
}

function signed(options: MintOptions, ring: Ring, { key, nowMs, id }: Stamp): string {
  const { kid, profile } = ring.signer;
  const iat = Math.floor(nowMs / 1000);
  const claims = {
    ...allowed(options.claims),
    iss: profile.issuer,
    sub: options.subject,
    aud: audienceOf(options.audience, profile.audiences),
    iat,
    nbf: iat,
    exp: iat + Math.floor(lifeMs(options.ttlMs, ring) / 1000),
    jti: id,
  };
  return compactJws({ alg: profile.algorithm, typ: options.type, kid }, claims, key);
}

function lifeMs(ttlMs: number | undefined, { signer, settings }: Ring): number {
  const mostMs = Math.min(signer.profile.maxTTLMs, settings.mintMaxTTLMs);
  if (ttlMs === undefined) return mostMs;
  if (ttlMs > mostMs || ttlMs < 1000) {
    throw new RuleError(
      "TtlOutOfRange",
      `Cannot mint with --ttl "${formatDuration(ttlMs)}": must be 1s to ${formatDuration(mostMs)}`,
    );
  }
  return ttlMs;
}

function audienceOf(wanted: string | undefined, audiences: readonly string[]): string {
  const [first = ""] = audiences;
  if (wanted === undefined) return first;
  if (audiences.includes(wanted)) return wanted;
  throw new RuleError("AudienceUnknown", `Cannot mint for audience "${wanted}": must be ${listed(audiences, "or")}`);
}

function allowed(claims: MintOptions["claims"]): MintOptions["claims"] {
  const taken = Object.keys(claims).find((name) => reserved.includes(name));
  if (taken === undefined) return claims;
  throw new RuleError("ClaimReserved", `Cannot set claim "${taken}": the minter alone sets ${listed(reserved)}`);
}
