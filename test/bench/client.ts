import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { createVerifier } from "fast-jwt";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { openVerifier, type TokenVerifier } from "../../src/client/verify.ts";
import type { CommonAlgorithm } from "./gateway-world.ts";
import { spkiPem } from "../../src/crypto/pem.ts";
import { generateKey } from "../../src/crypto/keypair.ts";
import { privateKeyObject } from "../../src/crypto/key-objects.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import { portOf } from "../../src/http/address.ts";
import type { Bench } from "./bench.ts";
import type { Contest } from "./measure.ts";

const [issuer, audience] = ["https://issuer.example", "api"];
const lifeSeconds = 3600;
/** What all three grant: a minter's clock and a verifier's may each be off by a minute. */
const leewaySeconds = 120;

interface Issuer {
  readonly server: Server;
  readonly jwksURL: string;
  readonly pem: string;
  /** Enough tokens that no two runs in a row have the same. */
  readonly tokens: readonly string[];
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Publishes one key, on a server of its own. */
async function issuerWith(algorithm: CommonAlgorithm): Promise<Issuer> {
  const { kid, material } = await generateKey(algorithm, 2048);
  const sign = nodeSignatures.signer(privateKeyObject(material.privateJwk), algorithm);
  const iat = Math.floor(Date.now() / 1000);
  const known = { iss: issuer, aud: audience, iat, exp: iat + lifeSeconds, scope: "orders:read orders:write" };
  const tokenOf = (nth: number): string => {
    const claims = { ...known, sub: `user-${nth}`, email: "jane.doe@example.com", roles: ["admin", "user"] };
    return sign(base64url({ alg: algorithm, typ: "at+jwt", kid }), JSON.stringify(claims));
  };
  const set = JSON.stringify({ keys: [{ ...material.publicJwk, kid, alg: algorithm, use: "sig" }] });
  const server = createServer(
    (_, response) => void response.writeHead(200, { "cache-control": "max-age=600" }).end(set),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    server,
    jwksURL: `http://127.0.0.1:${portOf(server)}/jwks.json`,
    pem: spkiPem(material.publicJwk),
    tokens: Array.from({ length: 64 }, (_, nth) => tokenOf(nth)),
  };
}

/** Calls it with one token after the other. */
function overAll(tokens: readonly string[], verify: (token: string) => Promise<unknown>): () => Promise<unknown> {
  let next = 0;
  return () => verify(tokens[next++ % tokens.length] ?? "");
}

/** Fails when a token is refused: a verifier that says no is quick. */
const accepted = (verifier: TokenVerifier) => async (token: string) => {
  const verdict = await verifier.verify(token);
  if (!verdict.ok) throw new Error(`Cannot measure: refused as ${verdict.reason}`);
};

const closing: (() => unknown)[] = [];

async function contestsOf(algorithm: CommonAlgorithm): Promise<readonly Contest[]> {
  const { server, jwksURL, pem, tokens } = await issuerWith(algorithm);
  const must = { issuer, audience, type: "at+jwt" } as const;
  const [forgetful, remembering] = await Promise.all([
    openVerifier({ jwksURL }, { ...must, cacheEntries: 0 }),
    openVerifier({ jwksURL }, must),
  ]);
  closing.push(
    () => forgetful.close(),
    () => remembering.close(),
    () => server.close(),
    () => server.closeAllConnections(),
  );
  const keys = createRemoteJWKSet(new URL(jwksURL));
  const rules = { issuer, audience, typ: "at+jwt", algorithms: [algorithm], clockTolerance: leewaySeconds };
  const jose = { name: "jose, createRemoteJWKSet", run: overAll(tokens, (token) => jwtVerify(token, keys, rules)) };
  const fast = {
    ...{ key: () => Promise.resolve(pem), algorithms: [algorithm], allowedIss: issuer, allowedAud: audience },
    ...{ checkTyp: "at+jwt", clockTolerance: leewaySeconds * 1000 },
  };
  const [fastVerify, fastCached] = [createVerifier(fast), createVerifier({ ...fast, cache: 4096 })];
  const ours = { name: "verify", run: overAll(tokens, accepted(forgetful)) };
  const again = { name: "verify", run: overAll(tokens, accepted(remembering)) };
  return [
    { name: algorithm, ours, baseline: jose, clock: "cpu" },
    { name: algorithm, ours, baseline: { name: "fast-jwt", run: overAll(tokens, fastVerify) }, clock: "cpu" },
    { name: `${algorithm}, tokens seen before`, ours: again, baseline: jose, clock: "cpu" },
    {
      name: `${algorithm}, tokens seen before`,
      ours: again,
      baseline: { name: "fast-jwt, cache on", run: overAll(tokens, fastCached) },
      clock: "cpu",
    },
  ];
}

export const clientBench: Bench = {
  name: "client",
  what: "@keyturn/client/verify on a JWKS URL: one token, all checks, awaited",
  contests: async () => [
    ...(await contestsOf("ES256")),
    ...(await contestsOf("RS256")),
    ...(await contestsOf("EdDSA")),
  ],
  async close() {
    for (const close of closing.splice(0)) await close();
  },
};
