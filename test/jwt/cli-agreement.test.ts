import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicObject, signerObject } from "../../src/crypto/objects.ts";
import { openRing } from "../../src/holder/open-ring.ts";
import { readMintRequest } from "../../src/jwt/mint-request.ts";
import { compileMinter, type Minter } from "../../src/jwt/minter.ts";
import { refusalReasons } from "../../src/jwt/reasons.ts";
import { compileRing, type Verifier } from "../../src/jwt/verifier.ts";
import { KeyturnError } from "../../src/errors/keyturn-error.ts";
import type { RingHome } from "../../src/keeper/home.ts";
import { mint, type MintTokenOptions } from "../../src/tools/token/mint-token.ts";
import { verify } from "../../src/tools/token/verify-token.ts";
import { pairOf } from "../support/keys.ts";
import { epoch, policy } from "../support/story.ts";
import { FakeIo } from "../tools/support/fake-io.ts";
import { corpus } from "./attacks/corpus.ts";
import { goodClaims, keyOf, maxTTL, now, ringOfAll, signatureOf, skew, tokenOf, type Parts } from "./support/world.ts";

const gone = pairOf("ES256", 6);
const { ring, publicJwks } = ringOfAll({ revoked: [{ kid: gone.kid, revokedAtMs: epoch, reason: "laptop stolen" }] });
const materials = new Map(
  [...publicJwks].map(([kid, publicJwk]) => {
    const { privateJwk } = kid === ring.signer.kid ? keyOf("ES256").material : {};
    return [kid, { publicJwk, ...(privateJwk && { privateJwk }) }] as const;
  }),
);
const documents = {
  signer: signerObject(ring, materials)["keyring.json"] ?? "",
  public: publicObject(ring, materials)["keyring.json"] ?? "",
};

/** Where the tools find what the gateway finds. */
const home: RingHome = {
  where: "directory /var/lib/keyturn",
  observe: async () => {
    const reading = { kind: "ring", ring, halves: [ring.signer.kid] } as const;
    const found = { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch };
    const { profile } = ring.signer;
    const { rotation } = ring;
    return { rotation, policy: { ...policy, profile }, requests: [], gateways: [], found, clockTrusted: true };
  },
  publicJwks: async () => "",
  keyRing: async (of) => documents[of],
  keeper: async () => ({ kind: "acts", who: "process 4711 on host" }),
  change: async () => undefined,
  async *changes() {
    // Nothing ever changes
  },
};

/** What `keyturn token verify` says: "ok" or its reason. */
async function toolOn(token: string): Promise<string> {
  const io = new FakeIo();
  const code = await verify(home, { token, output: "json" }, io);
  const { valid, reason, message } = JSON.parse(io.out.text) as { valid: boolean; reason?: string; message?: string };
  expect(code).toBe(valid ? 0 : 1);
  expect(message === undefined).toBe(valid);
  return valid ? "ok" : (reason ?? "");
}

const gateway: Verifier = compileRing(await openRing(documents.public, "public", false));
function gatewayOn(token: string): string {
  const verdict = gateway.verify(token, epoch);
  return verdict.ok ? "ok" : verdict.reason;
}

const seen = new Set<string>();
async function agree(token: string): Promise<void> {
  const reason = gatewayOn(token);
  seen.add(reason);
  expect(await toolOn(token)).toBe(reason);
}

/** Any value where another one is expected. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(0, -1, 1e300, now, now + skew, String(now), "", "api", ["api", 1], { $ne: null }, "alice"),
  fc.integer({ min: now - 2 * maxTTL, max: now + 2 * maxTTL }),
);
const wrong = (names: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(fc.constantFrom(...names), fc.option(odd, { nil: undefined }), { maxKeys: 2 });
const pairs = [...(["ES256", "EdDSA", "RS256", "PS256", "ES512"] as const).map(keyOf), pairOf("ES256", 1), gone];
const deepOrTwice = fc.constantFrom(
  `{"a":${"[".repeat(17)}${"]".repeat(17)}}`,
  `{"sub":"a",${JSON.stringify(goodClaims).slice(1)}`,
  JSON.stringify({ ...goodClaims, pad: "x".repeat(13_000) }),
  "[]",
  "{",
);

const parts: fc.Arbitrary<Parts> = fc.record(
  {
    pair: fc.constantFrom(...pairs),
    header: wrong(["typ", "kid", "alg", "crit", "jwk", "x5u", "cty", "zip"]),
    claims: fc.oneof(
      { weight: 9, arbitrary: wrong(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "__proto__"]) },
      { weight: 1, arbitrary: deepOrTwice },
    ),
    signature: fc.constantFrom(
      (input: string) => signatureOf(pairOf("ES256", 4), input),
      () => Buffer.alloc(64),
      () => Buffer.alloc(0),
    ),
  },
  { requiredKeys: [] },
);

/** A text with a few characters put in, taken out or put in the place of others. */
const mutations = fc.array(
  fc.record({
    at: fc.nat({ max: 2000 }),
    remove: fc.nat({ max: 2 }),
    put: fc.oneof(fc.constantFrom("", ".", "=", "A", " ", "\n", "-", "_", "é", "\0"), fc.string({ maxLength: 3 })),
  }),
  { maxLength: 3 },
);
const mutated = (token: string, changes: readonly { at: number; remove: number; put: string }[]): string =>
  changes.reduce((text, { at, remove, put }) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + put + text.slice(from + remove);
  }, token);

describe("a gateway and `keyturn token verify`", () => {
  test.each(corpus)("say the same of an attack: $name: $reason", async ({ token, reason }) => {
    expect(await toolOn(token)).toBe(reason);
    await agree(token);
  });

  test("say the same of generated tokens", async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (made) => {
        await agree(tokenOf(made));
      }),
      { numRuns: 600 },
    );
  });

  test("say the same of good tokens that were changed as text", async () => {
    const good = pairs.map((pair) => tokenOf({ pair }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...good), mutations, async (token, changes) => {
        await agree(mutated(token, changes));
      }),
      { numRuns: 600 },
    );
  });

  test("had every reason to disagree", () => {
    // No scope is required of a token here, and no token is revoked: of keys alone
    expect(refusalReasons.filter((reason) => !seen.has(reason))).toEqual(["Revoked", "ScopeMissing"]);
    expect(seen).toContain("ok");
  });
});

const minter = await gatewayMinter();
async function gatewayMinter(): Promise<Minter> {
  const of = await openRing(documents.signer, "signer", true);
  const made = compileMinter(of, { newId: () => new FakeIo().randomId() });
  if (!made) throw new Error("No signer");
  return made;
}

/** The claims that come out, or the code of the refusal. */
async function outcomeOf(run: () => string | Promise<string>): Promise<unknown> {
  try {
    const [head = "", body = ""] = (await run()).split(".").map((part) => Buffer.from(part, "base64url").toString());
    return [JSON.parse(head), JSON.parse(body)];
  } catch (error) {
    if (error instanceof KeyturnError) return error.code;
    throw error;
  }
}

const toolMints = async (options: MintTokenOptions): Promise<string> => {
  const io = new FakeIo();
  await mint(home, options, io);
  return io.out.text.trimEnd();
};

/** As an application writes its request, by JSON.stringify. */
function gatewayMints({ subject, audience, ttlMs, claims, type }: MintTokenOptions): string {
  const named = Object.fromEntries(claims.map(({ name, json }) => [name, JSON.parse(json) as unknown]));
  const body = JSON.stringify({ sub: subject, audience, ...ttlIn(ttlMs), claims: named, type });
  return minter.mint(readMintRequest(body), { nowMs: epoch, notAfterMs: Infinity }).token;
}

const ttlIn = (ttlMs: number | undefined): object => (ttlMs === undefined ? {} : { ttlSeconds: ttlMs / 1000 });

describe("a gateway and `keyturn token mint`", () => {
  const claim = fc.record({
    name: fc.oneof(
      fc.constantFrom("scope", "sub", "exp", "roles", "a"),
      // JSON.stringify and a record in the test would lose this one
      fc.string().filter((name) => name !== "__proto__"),
    ),
    json: fc.oneof(fc.json({ maxDepth: 20 }), fc.constantFrom("[".repeat(16) + "]".repeat(16))),
  });
  const options: fc.Arbitrary<MintTokenOptions> = fc.record(
    {
      subject: fc.oneof(fc.constantFrom("", "alice", "a".repeat(255), "a".repeat(256), "a\u0000"), fc.string()),
      audience: fc.oneof(fc.constantFrom("api", "admin", "shop", ""), fc.string()),
      ttlMs: fc.oneof(fc.constantFrom(0, 1, 999, 1000, 1500, maxTTL * 1000, maxTTL * 1000 + 1), fc.integer()),
      claims: fc.uniqueArray(claim, { maxLength: 3, selector: ({ name }) => name }),
      type: fc.constantFrom<MintTokenOptions["type"]>("JWT", "at+jwt"),
    },
    { requiredKeys: ["subject", "claims", "type"] },
  );

  test("mint the same tokens, and refuse the same requests by the same code", async () => {
    await fc.assert(
      fc.asyncProperty(options, async (asked) => {
        expect(await outcomeOf(() => toolMints(asked))).toEqual(await outcomeOf(() => gatewayMints(asked)));
      }),
      { numRuns: 600 },
    );
  });
});
