import { createPublicKey, randomUUID, sign, verify, type KeyObject } from "node:crypto";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { createSigner, createVerifier } from "fast-jwt";
import { publicJwks } from "../../src/crypto/jwks.ts";
import { generateKey } from "../../src/crypto/keypair.ts";
import { pkcs8Pem, spkiPem } from "../../src/crypto/pem.ts";
import { privateKeyObject } from "../../src/crypto/key-objects.ts";
import { compileMinter, type Minter } from "../../src/jwt/minter.ts";
import type { Signatures } from "../../src/jwt/signatures.ts";
import { compileRing, type Verifier } from "../../src/jwt/verifier.ts";
import type { Algorithm } from "../../src/ring/key.ts";
import { fullRing } from "./full-ring.ts";

const issuer = "https://issuer.example";
const audience = "api";
const lifeSeconds = 3600;
/** What all three grant: a minter's clock and a verifier's may each be off by the ring's clockSkew. */
const leewaySeconds = 120;

/** What an access token of a shop says. */
const subject = "user-4711";
const claims = {
  scope: "orders:read orders:write",
  client_id: "shop",
  email: "jane.doe@example.com",
  roles: ["admin", "user"],
  tenant: "acme",
};

/** One signer of a full ring, as ours and as two other libraries have it. Each `verify` and `mint` is the whole way. */
export interface GatewayWorld {
  readonly verifier: Verifier;
  /** Remembers tokens. */
  readonly remembering: Verifier;
  /** Enough tokens that no two runs in a row have the same. */
  readonly tokens: readonly string[];
  /** Good but for a kid that nobody has. */
  readonly unknown: string;
  readonly mint: () => string;
  /** What node:crypto alone takes, over the bytes of a token: what runs on it can not be faster. */
  readonly bare: { readonly verify: () => unknown; readonly sign: () => unknown };
  readonly jose: { readonly verify: (token: string) => Promise<unknown>; readonly mint: () => Promise<string> };
  readonly fastJwt: {
    readonly verify: (token: string) => unknown;
    readonly verifyCached: (token: string) => unknown;
    readonly mint: () => string;
  };
}

/** That the other libraries know, too. */
export type CommonAlgorithm = Exclude<Algorithm, "Ed25519">;

export interface GatewayWorldOptions {
  readonly algorithm: CommonAlgorithm;
  /** For RSA. */
  readonly modulusBits?: number;
  readonly signatures: Signatures;
}

/** A full ring whose signer has this algorithm. */
export async function gatewayWorld(options: GatewayWorldOptions): Promise<GatewayWorld> {
  const { algorithm, modulusBits, signatures } = options;
  const base = await fullRing("ES256");
  const { kid, material } = await generateKey(algorithm, modulusBits);
  const profile = { ...base.ring.signer.profile, algorithm };
  const ring = { ...base.ring, signer: { ...base.ring.signer, kid, profile } };
  const materials = new Map([...base.materials, [kid, material] as const]);
  const publicJwksByKid = new Map([...materials].map(([of, { publicJwk }]) => [of, publicJwk]));
  const key = privateKeyObject(material.privateJwk);
  const minter = minterOf({ ring, half: { kid, key } }, signatures);
  const mint = (): string => minter.mint({ subject, claims }, { nowMs: Date.now(), notAfterMs: Infinity }).token;
  const jwks = publicJwks(ring, materials) as Parameters<typeof createLocalJWKSet>[0];
  const [head = "", ...rest] = mint().split(".");
  const unknownHead = Buffer.from(
    Buffer.from(head, "base64url")
      .toString()
      .replace(kid, `${kid.slice(1)}x`),
  );
  return {
    verifier: compileRing({ ring, publicJwks: publicJwksByKid }, { cacheEntries: 0, signatures }),
    remembering: compileRing({ ring, publicJwks: publicJwksByKid }, { signatures }),
    tokens: Array.from({ length: 64 }, mint),
    unknown: [unknownHead.toString("base64url"), ...rest].join("."),
    mint,
    bare: bareOf(algorithm, key, mint()),
    jose: joseOf({ algorithm, kid, key }, jwks),
    fastJwt: fastJwtOf(
      { algorithm, kid },
      { private: pkcs8Pem(material.privateJwk), public: spkiPem(material.publicJwk) },
    ),
  };
}

function minterOf(of: Parameters<typeof compileMinter>[0], signatures: Signatures): Minter {
  const minter = compileMinter(of, { newId: randomUUID, signatures });
  if (!minter) throw new TypeError("Cannot mint: the ring has no private half");
  return minter;
}

function bareOf(algorithm: CommonAlgorithm, key: KeyObject, token: string): GatewayWorld["bare"] {
  const hash = algorithm === "EdDSA" ? null : `sha${algorithm.slice(2)}`;
  const input = Buffer.from(token.slice(0, token.lastIndexOf(".")));
  const publicKey = createPublicKey(key);
  const signature = sign(hash, input, key);
  return { verify: () => verify(hash, input, publicKey, signature), sign: () => sign(hash, input, key) };
}

interface SigningKey {
  readonly algorithm: CommonAlgorithm;
  readonly kid: string;
  readonly key: KeyObject;
}

function joseOf(
  { algorithm, kid, key }: SigningKey,
  jwks: Parameters<typeof createLocalJWKSet>[0],
): GatewayWorld["jose"] {
  const keys = createLocalJWKSet(jwks);
  const options = {
    issuer,
    audience: [audience],
    algorithms: [algorithm],
    clockTolerance: leewaySeconds,
    requiredClaims: ["exp", "iat"],
  };
  return {
    verify: (token) => jwtVerify(token, keys, options),
    mint: () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: "JWT", kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt()
        .setNotBefore("0s")
        .setExpirationTime(`${lifeSeconds}s`)
        .setJti(randomUUID())
        .sign(key),
  };
}

/** One key, given from the start: the library would look a kid up asynchronously. Its fastest way. */
function fastJwtOf(
  { algorithm, kid }: Omit<SigningKey, "key">,
  pem: { readonly private: string; readonly public: string },
): GatewayWorld["fastJwt"] {
  const options = {
    key: pem.public,
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    requiredClaims: ["exp", "iat"],
    clockTolerance: leewaySeconds * 1000,
  };
  const sign = createSigner({
    key: pem.private,
    algorithm,
    kid,
    iss: issuer,
    aud: audience,
    sub: subject,
    expiresIn: lifeSeconds * 1000,
    notBefore: 0,
  });
  return {
    verify: createVerifier(options),
    verifyCached: createVerifier({ ...options, cache: true }),
    mint: () => sign({ ...claims, jti: randomUUID() }),
  };
}
