import { openKeyRing } from "../../crypto/open.ts";
import { privateKeyObject } from "../../crypto/key-objects.ts";
import { readMintRequest, type MintRequest } from "../../jwt/mint-request.ts";
import { compileMinter, type Minted, type Minter } from "../../jwt/minter.ts";
import { shortKid } from "../../ring/describe.ts";
import { formatDuration } from "../../parse/duration.ts";
import { KeyturnError, RuleError } from "../../errors/keyturn-error.ts";
import { type Ring, rotationName } from "../../ring/ring.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook, note } from "../first-look.ts";
import { line, type Io } from "../text/screen.ts";
import { mintWords } from "./refusal-words.ts";

/** One `--claim`. */
export interface Claim {
  readonly name: string;
  /** The value as JSON text: what a parser would hide is refused here as a gateway refuses it. */
  readonly json: string;
}

export interface MintTokenOptions {
  readonly subject: string;
  /** One of the signer's audiences. @default the first of them */
  readonly audience?: string;
  /** Whole seconds. What is more than a token may live is cut to that, and said. @default the most */
  readonly ttlMs?: number;
  /** Other claims. */
  readonly claims: readonly Claim[];
  /** `typ` of the header; `at+jwt` is an access token (RFC 9068 §2.1). */
  readonly type: "JWT" | "at+jwt";
}

/** Prints a token of the present signer, as a gateway would mint it. */
export async function mint(home: RingHome, options: MintTokenOptions, io: Io): Promise<ExitCode> {
  const { ring, seen, nowMs } = await firstLook(home, io);
  if (!ring) throw new RuleError("NoRing", `Cannot mint: ${rotationName(seen.rotation)} has no ring yet`);
  const minter = await minterOf(home, ring, io);
  const { token, expiresAtMs } = minted(minter, options, nowMs);
  const lifeMs = expiresAtMs - Math.floor(nowMs / 1000) * 1000;
  if (options.ttlMs !== undefined && lifeMs < options.ttlMs) {
    note(io, `the token lives ${formatDuration(lifeMs)}, the most that it may`);
  }
  line(io.out, token);
  return exitCodes.done;
}

/** The private half is read where a minter reads it. */
async function minterOf(home: RingHome, { signer }: Ring, io: Io): Promise<Minter> {
  const { ring, materials } = await openKeyRing(await home.keyRing("signer"), "signer");
  const { kid } = signer;
  const privateJwk = ring.signer.kid === kid ? materials.get(kid)?.privateJwk : undefined;
  const half = privateJwk && { kid, key: privateKeyObject(privateJwk) };
  const minter = half && compileMinter({ ring, half }, { newId: () => io.randomId() });
  if (minter) return minter;
  throw new RuleError("SignerLost", `Cannot mint: the private half of the signer ${shortKid(kid)} is not here`);
}

/** One way in for both: what a gateway is asked for is read by the same reader. */
function minted(minter: Minter, options: MintTokenOptions, nowMs: number): Minted {
  try {
    // What was read just now is a fresh word that the signer signs: no fence comes before the most that a token may live
    return minter.mint(requestOf(options), { nowMs, notAfterMs: Infinity });
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    throw new RuleError(error.code, mintWords(error.message), { cause: error });
  }
}

function requestOf({ subject, audience, ttlMs, claims, type }: MintTokenOptions): MintRequest {
  const members = [
    `"sub":${JSON.stringify(subject)}`,
    ...(audience === undefined ? [] : [`"audience":${JSON.stringify(audience)}`]),
    ...(ttlMs === undefined ? [] : [`"ttlSeconds":${ttlMs / 1000}`]),
    `"claims":{${claims.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join()}}`,
    `"type":${JSON.stringify(type)}`,
  ];
  return readMintRequest(`{${members.join()}}`);
}
