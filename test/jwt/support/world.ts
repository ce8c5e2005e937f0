import { constants, createPrivateKey, sign, type KeyObject } from "node:crypto";
import { compileRing, type CompileOptions, type Verifier } from "../../../src/jwt/verifier.ts";
import type { PublicRing } from "../../../src/jwt/keys.ts";
import { type Algorithm, isEd25519 } from "../../../src/ring/key.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { factsOf, pairOf, type Pair } from "../../support/keys.ts";
import { active, prepared, ringOf, verifyOnly } from "../../support/rings.ts";
import { epoch, policy } from "../../support/story.ts";

/** Seconds since 1970: the present of every test here. */
export const now = epoch / 1000;
/** What the ring's settings say, in seconds. */
/** What a verifier allows, in seconds: the clock skew for the minter's clock, and once more for its own. */
export const skew = 120;
/** What every profile says, in seconds. */
export const maxTTL = 3600;

/** One key of each kind in one ring: the ES256 key signs, a second one stands by, the others are verify-only. */
export const keyOf = (algorithm: Algorithm): Pair => pairOf(algorithm, 0);
const others = ["EdDSA", "RS256", "PS256", "ES384", "ES512", "RS512", "PS512"] as const satisfies readonly Algorithm[];

export function ringOfAll(change: Partial<Ring> = {}): PublicRing {
  const [signer, standby, retiring] = [keyOf("ES256"), pairOf("ES256", 1), others.map(keyOf)];
  const ring = ringOf({
    signer: active(signer.kid, factsOf(signer)),
    standby: prepared(standby.kid, factsOf(standby)),
    retiring: retiring.map((pair) => verifyOnly(pair.kid, factsOf(pair))),
    ...change,
  });
  return {
    ring,
    publicJwks: new Map([signer, standby, ...retiring].map(({ kid, material }) => [kid, material.publicJwk])),
  };
}

export const verifierOf = (change: Partial<Ring> = {}, options: CompileOptions = {}): Verifier =>
  compileRing(ringOfAll(change), options);

/** The private half as node:crypto has it. */
export const privateKeyOf = ({ material }: Pair): KeyObject =>
  createPrivateKey({ key: material.privateJwk, format: "jwk" });

/** A signature in its JWS form by node:crypto's own conversion: not by the code under test. */
export function signatureOf(pair: Pair, input: string): Buffer {
  const { algorithm } = pair;
  const isPss = algorithm.startsWith("PS");
  return sign(isEd25519(algorithm) ? null : `sha${algorithm.slice(2)}`, Buffer.from(input), {
    key: privateKeyOf(pair),
    dsaEncoding: "ieee-p1363",
    ...(isPss && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  });
}

export const base64url = (text: string | Buffer): string => Buffer.from(text).toString("base64url");

/** What a token is made of; each part may be anything. */
export interface Parts {
  /** @default the ES256 key */
  readonly pair?: Pair;
  /** Added to `{alg, typ: "JWT", kid}`; undefined leaves a member out. A text stands as it is. */
  readonly header?: Readonly<Record<string, unknown>> | string;
  /** Added to good claims; undefined leaves a claim out. A text stands as it is, and so do bytes. */
  readonly claims?: Readonly<Record<string, unknown>> | string | Buffer;
  /** @default the true one */
  readonly signature?: (input: string) => Buffer;
}

export const goodClaims = {
  iss: policy.profile.issuer,
  sub: "alice",
  aud: "api",
  iat: now,
  nbf: now,
  exp: now + 600,
  jti: "5d5e2a9e",
};

/** A token that is good but for what is said. */
export function tokenOf({ pair = keyOf("ES256"), header = {}, claims = {}, signature }: Parts = {}): string {
  const good = { alg: pair.algorithm, typ: "JWT", kid: pair.kid };
  const head = typeof header === "string" ? header : JSON.stringify({ ...good, ...header });
  const isRaw = typeof claims === "string" || Buffer.isBuffer(claims);
  const body = isRaw ? claims : JSON.stringify({ ...goodClaims, ...claims });
  const input = `${base64url(head)}.${base64url(body)}`;
  return `${input}.${base64url(signature?.(input) ?? signatureOf(pair, input))}`;
}

/** The reason, or "ok". */
export function reasonOf(token: string, verifier: Verifier = verifierOf(), nowMs: number = epoch): string {
  const verdict = verifier.verify(token, nowMs);
  return verdict.ok ? "ok" : verdict.reason;
}
