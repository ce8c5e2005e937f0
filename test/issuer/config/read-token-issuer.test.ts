import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { parseTokenIssuer } from "../../../src/issuer/config/read-token-issuer.ts";
import { grantTypes } from "../../../src/issuer/config/token-issuer.ts";
import { algorithms } from "../../../src/ring/key.ts";
import { mustBeNoChild } from "../../../src/issuer/config/names.ts";
import { clientWith, fileWith, issuerWith, ruleWith, trustWith } from "../support/token-issuers.ts";

const jwksURL = "https://partner.example/jwks";
const hourMs = 3_600_000;

const publicJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const privateJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const shortRsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });

function problemsOf(file: unknown): readonly string[] {
  try {
    parseTokenIssuer(file, "/etc/keyturn");
  } catch (error) {
    expect(error).toMatchObject({ code: "InvalidTokenIssuer" });
    return error instanceof Error ? error.message.split("\n") : [];
  }
  return [];
}

describe("parseTokenIssuer", () => {
  test("the example is a good one", () => {
    const text = readFileSync(new URL("../../../examples/issuer/tokenissuer.yaml", import.meta.url), "utf8");
    const { clients, trust } = parseTokenIssuer(parse(text), "/etc/keyturn");
    expect(clients.map(({ id }) => id)).toEqual(["dashboard", "login", "gateway"]);
    expect(trust.map(({ name, keys }) => [name, keys.kind])).toEqual([
      ["cluster", "tokenReview"],
      ["builds", "discovery"],
    ]);
  });

  test("fills in every default", () => {
    const read = issuerWith({ clients: [clientWith()], trust: [trustWith({ jwksURL })] });
    expect(read).toMatchObject({ name: "issuer", retryWindowMs: 30_000, maxRefreshTtlMs: 2160 * hourMs });
    expect(read).not.toHaveProperty("maxAccessTtlMs");
    expect(read).not.toHaveProperty("recoverGrantsUntilMs");
    expect(read).not.toHaveProperty("recoverExpiredForMs");
    const [client] = read.clients;
    expect(client).toMatchObject({ subject: "dashboard", secretFiles: ["/etc/keyturn/secrets/dashboard"] });
    expect(client?.allowed).toEqual({
      grantTypes: [grantTypes[0], grantTypes[1], grantTypes[2], grantTypes[3]],
      audiences: ["api"],
      scopes: [],
      subjects: [],
      claims: [],
      accessTtl: {},
      refreshTtl: { defaultMs: 24 * hourMs, maxMs: 2160 * hourMs },
      requestRate: 500,
      introspect: false,
      watchRevocations: false,
    });
    const [trust] = read.trust;
    expect(trust).toMatchObject({ clockSkewMs: 60_000, maxAgeMs: 24 * hourMs, singleUse: false });
    expect(trust?.algorithms).toEqual(algorithms);
    expect(trust?.rules[0]?.allowed.grantTypes).toEqual([grantTypes[1], grantTypes[2], grantTypes[3]]);
  });

  test("how long an expired token counts is what the file says", () =>
    expect(issuerWith({ recoverExpiredFor: "24h" }).recoverExpiredForMs).toBe(24 * hourMs));

  test("who may watch and look alone gets no tokens", () => {
    const allow = { audiences: ["api"], grantTypes: [], introspect: true, watchRevocations: true };
    const [client] = issuerWith({ clients: [clientWith({ allow })] }).clients;
    expect(client?.allowed).toMatchObject({ grantTypes: [], introspect: true, watchRevocations: true });
  });

  test("nobody in it is a file, too", () =>
    expect(issuerWith({})).toMatchObject({ clients: [], trust: [], ownAudiences: [], allowedOrigins: [] }));

  test("what the file allows bounds everybody", () => {
    const read = issuerWith({ maxAccessTTL: "10m", maxRefreshTTL: "12h", clients: [clientWith()] });
    expect(read.clients[0]?.allowed).toMatchObject({
      accessTtl: { maxMs: 600_000 },
      refreshTtl: { defaultMs: 12 * hourMs, maxMs: 12 * hourMs },
    });
  });

  test.each([
    [
      { discovery: {} },
      { kind: "discovery", url: new URL("https://partner.example/.well-known/openid-configuration") },
    ],
    [
      { issuer: "https://partner.example/tenant/", discovery: {} },
      { kind: "discovery", url: new URL("https://partner.example/tenant/.well-known/openid-configuration") },
    ],
    [
      { issuer: "partner", discovery: { url: "http://127.0.0.1:1/x" } },
      { kind: "discovery", url: new URL("http://127.0.0.1:1/x") },
    ],
    [{ jwksURL }, { kind: "jwksURL", url: new URL(jwksURL) }],
    [{ jwks: { keys: [publicJwk] } }, { kind: "jwks", jwks: { keys: [publicJwk] } }],
    [{ tokenReview: {} }, { kind: "tokenReview" }],
    [
      { tokenReview: { server: "https://10.0.0.1:6443" }, bearerTokenFile: "/t" },
      { kind: "tokenReview", server: new URL("https://10.0.0.1:6443") },
    ],
  ])("keys from %o", (source, keys) => expect(issuerWith({ trust: [trustWith(source)] }).trust[0]?.keys).toEqual(keys));

  test.each<[what: object, problem: string]>([
    [{ clients: [clientWith({ secret: "in the file" })] }, 'unknown field "spec.clients[0].secret"'],
    [{ client: [] }, 'unknown field "spec.client", did you mean "clients"?'],
    [{ retryWindow: "6m" }, 'spec.retryWindow: must be whole seconds from 0s to 5m, written as 1h30m, is "6m"'],
    [
      { maxRefreshTTL: "2161h" },
      'spec.maxRefreshTTL: must be whole seconds from 1s to 2160h, written as 1h30m, is "2161h"',
    ],
    [{ maxAccessTTL: "0s" }, 'spec.maxAccessTTL: must be whole seconds from 1s to 8760h, written as 1h30m, is "0s"'],
    [
      { recoverExpiredFor: "25h" },
      'spec.recoverExpiredFor: must be whole seconds from 1s to 24h, written as 1h30m, is "25h"',
    ],
    [
      { recoverExpiredFor: "0s" },
      'spec.recoverExpiredFor: must be whole seconds from 1s to 24h, written as 1h30m, is "0s"',
    ],
    [
      { recoverGrantsUntil: "soon" },
      'spec.recoverGrantsUntil: must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z, is "soon"',
    ],
    [{ clients: [clientWith(), clientWith()] }, 'spec.clients[1].id: must not stand in the list twice, is "dashboard"'],
    [
      { clients: [clientWith({ id: "" })] },
      'spec.clients[0].id: must be a text of 1 to 255 characters of ASCII without control characters, is ""',
    ],
    [
      { clients: [clientWith({ secretFiles: [] })] },
      "spec.clients[0].secretFiles: must have at least one item, has none",
    ],
    [
      { clients: [clientWith({ id: "trust:partner" })] },
      'spec.clients[0].id: must not begin with "trust:", as the client_id of another issuer\'s tokens does, is "trust:partner"',
    ],
    [{ clients: [clientWith({ id: "ci/path" })] }, `spec.clients[0].id: ${mustBeNoChild}, is "ci/path"`],
    [
      { clients: [clientWith({ subject: "ci/agent/a" })] },
      `spec.clients[0].subject: ${mustBeNoChild}, is "ci/agent/a"`,
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ subject: "{sub}/agent/{jti}" })] })] },
      `spec.trust[0].rules[0].subject: ${mustBeNoChild}, is "{sub}/agent/{jti}"`,
    ],
    ...[
      "*",
      "null",
      "https://app.example/",
      "https://app.example:443",
      "http://app.example",
      "https://App.example",
    ].map((origin): [object, string] => [
      { allowedOrigins: [origin] },
      `spec.allowedOrigins[0]: must be an origin such as https://app.example, of https except on this machine, is "${origin}"`,
    ]),
    [{ ownAudiences: ["api", "api"] }, 'spec.ownAudiences[1]: must not stand in the list twice, is "api"'],
    [{ clients: [clientWith({ secretFiles: undefined })] }, "spec.clients[0].secretFiles: must be set, is missing"],
    [{ clients: [clientWith({ allow: undefined })] }, "spec.clients[0].allow: must be set, is missing"],
    [{ clients: [clientWith({ allow: {} })] }, "spec.clients[0].allow.audiences: must be set, is missing"],
    [
      { clients: [clientWith({ allow: { audiences: ["api"], scopes: ["a b"] } })] },
      'spec.clients[0].allow.scopes[0]: must be 1 to 255 characters of ASCII without spaces, " and \\, is "a b"',
    ],
    [
      { clients: [clientWith({ allow: { audiences: ["api"], grantTypes: ["password"] } })] },
      `spec.clients[0].allow.grantTypes[0]: must be one of ${grantTypes.join(", ")}, is "password"`,
    ],
    [
      { clients: [clientWith({ allow: { audiences: ["api"], subjects: ["a***"] } })] },
      'spec.clients[0].allow.subjects[0]: must be a text of 1 to 512 characters without control characters, with at most two stars in a row, is "a***"',
    ],
    [
      { clients: [clientWith({ allow: { audiences: ["api"], accessTTL: "2h", maxAccessTTL: "1h" } })] },
      'spec.clients[0].allow.accessTTL: must be at most maxAccessTTL, is "2h"',
    ],
    [
      { clients: [clientWith({ allow: { audiences: ["api"], refreshTTL: "2h", maxRefreshTTL: "1h" } })] },
      'spec.clients[0].allow.refreshTTL: must be at most maxRefreshTTL, is "2h"',
    ],
    [
      { maxRefreshTTL: "1h", clients: [clientWith({ allow: { audiences: ["api"], maxRefreshTTL: "2h" } })] },
      'spec.clients[0].allow.maxRefreshTTL: must be at most spec.maxRefreshTTL, is "2h"',
    ],
    [
      { maxAccessTTL: "1h", clients: [clientWith({ allow: { audiences: ["api"], maxAccessTTL: "2h" } })] },
      'spec.clients[0].allow.maxAccessTTL: must be at most spec.maxAccessTTL, is "2h"',
    ],
    [
      { trust: [trustWith()] },
      "spec.trust[0]: must set exactly one of discovery, jwksURL, jwks, tokenReview, sets none",
    ],
    [
      { trust: [trustWith({ jwksURL, tokenReview: {} })] },
      "spec.trust[0]: must set exactly one of discovery, jwksURL, jwks, tokenReview, sets jwksURL and tokenReview",
    ],
    [
      { trust: [trustWith({ jwksURL }), trustWith({ jwksURL, name: "other" })] },
      'spec.trust[1].issuer: must not stand in the list twice, is "https://partner.example"',
    ],
    [
      { trust: [trustWith({ jwksURL }), trustWith({ jwksURL, issuer: "other" })] },
      'spec.trust[1].name: must not stand in the list twice, is "partner"',
    ],
    [
      { trust: [trustWith({ jwksURL: "http://partner.example/jwks" })] },
      "spec.trust[0].jwksURL: must be a URL of https, except on this machine, is another text",
    ],
    [
      { trust: [trustWith({ jwksURL: "http://127.0.0.1.partner.example/jwks" })] },
      "spec.trust[0].jwksURL: must be a URL of https, except on this machine, is another text",
    ],
    [
      { trust: [trustWith({ jwksURL: "https://a:b@partner.example/" })] },
      "spec.trust[0].jwksURL: must be a URL without a user and password, is another text",
    ],
    [
      { trust: [trustWith({ jwksURL: "file:///etc/passwd" })] },
      "spec.trust[0].jwksURL: must be a URL of https, is another text",
    ],
    [{ trust: [trustWith({ jwksURL: "jwks" })] }, "spec.trust[0].jwksURL: must be a URL, is another text"],
    [
      { trust: [trustWith({ issuer: "partner", discovery: {} })] },
      "spec.trust[0].issuer: must be a URL, is another text",
    ],
    [
      { trust: [trustWith({ issuer: "https://partner.example?a=b", discovery: {} })] },
      "spec.trust[0].issuer: must be a URL without a query, is another text",
    ],
    [{ trust: [trustWith({ jwks: { keys: [] } })] }, "spec.trust[0].jwks.keys: must have at least one key, has none"],
    [
      { trust: [trustWith({ jwks: { keys: [privateJwk] } })] },
      "spec.trust[0].jwks.keys[0]: must be a public key, without private members, is another one",
    ],
    [
      { trust: [trustWith({ jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } })] },
      "spec.trust[0].jwks.keys[0]: must be a public key, without private members, is another one",
    ],
    [
      { trust: [trustWith({ jwks: { keys: [shortRsa] } })] },
      "spec.trust[0].jwks.keys[0]: must be an RSA key of at least 2048 bits, is another one",
    ],
    [
      { trust: [trustWith({ jwks: { keys: [{ kty: "EC" }] } })] },
      "spec.trust[0].jwks.keys[0]: must be a public key as a JWK, is another one",
    ],
    [
      { trust: [trustWith({ jwks: { keys: [publicJwk] }, caFile: "/ca" })] },
      'spec.trust[0].caFile: must be set only with discovery, jwksURL or tokenReview, is "/ca"',
    ],
    [
      { trust: [trustWith({ tokenReview: {}, caFile: "/ca" })] },
      'spec.trust[0].caFile: must be set only with tokenReview.server, is "/ca"',
    ],
    [
      { trust: [trustWith({ tokenReview: { server: "https://10.0.0.1" } })] },
      "spec.trust[0].bearerTokenFile: must be set with tokenReview.server, is missing",
    ],
    [
      { trust: [trustWith({ jwksURL, audiences: [] })] },
      "spec.trust[0].audiences: must have at least one item, has none",
    ],
    [
      { trust: [trustWith({ jwksURL, algorithms: ["HS256"] })] },
      `spec.trust[0].algorithms[0]: must be one of ${algorithms.join(", ")}, is "HS256"`,
    ],
    [
      { trust: [trustWith({ jwksURL, algorithms: ["none"] })] },
      `spec.trust[0].algorithms[0]: must be one of ${algorithms.join(", ")}, is "none"`,
    ],
    [
      { trust: [trustWith({ jwksURL, clockSkew: "11m" })] },
      'spec.trust[0].clockSkew: must be whole seconds from 0s to 10m, written as 1h30m, is "11m"',
    ],
    [
      { trust: [trustWith({ jwksURL, maxAge: "59s" })] },
      'spec.trust[0].maxAge: must be whole seconds from 1m to 8760h, written as 1h30m, is "59s"',
    ],
    [{ trust: [trustWith({ jwksURL, singleUse: "yes" })] }, 'spec.trust[0].singleUse: must be true or false, is "yes"'],
    [{ trust: [trustWith({ jwksURL, rules: [] })] }, "spec.trust[0].rules: must have at least one item, has none"],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith(), ruleWith()] })] },
      'spec.trust[0].rules[1].name: must not stand in the list twice, is "everybody"',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ match: { repository: "x" } })] })] },
      'spec.trust[0].rules[0].match: must have "sub", has none',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ match: { sub: [] } })] })] },
      "spec.trust[0].rules[0].match.sub: must have at least one item, has none",
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ match: { sub: "*", "/a~2": "x" } })] })] },
      'spec.trust[0].rules[0].match["/a~2"]: must be a claim\'s name, or a JSON pointer such as /kubernetes.io/namespace, is "/a~2"',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ subject: "{sub" })] })] },
      'spec.trust[0].rules[0].subject: must have each claim in braces, is "{sub"',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ subject: "sub}" })] })] },
      'spec.trust[0].rules[0].subject: must have each claim in braces, is "sub}"',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ subject: "{a}{b}" })] })] },
      'spec.trust[0].rules[0].subject: must have a text between two claims, is "{a}{b}"',
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ subject: undefined })] })] },
      "spec.trust[0].rules[0].subject: must be set, is missing",
    ],
    [
      { trust: [trustWith({ jwksURL, rules: [ruleWith({ carry: { sid: "x" } })] })] },
      'spec.trust[0].rules[0].carry.sid: must be a claim that is not reserved, is "sid"',
    ],
    [
      {
        trust: [
          trustWith({
            jwksURL,
            rules: [ruleWith({ allow: { audiences: ["api"], grantTypes: ["client_credentials"] } })],
          }),
        ],
      },
      'spec.trust[0].rules[0].allow.grantTypes[0]: must be one of refresh_token, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer, is "client_credentials"',
    ],
  ])("refuses %o", (spec, problem) => expect(problemsOf(fileWith(spec))).toEqual([problem]));

  test.each<[file: unknown, problem: string]>([
    [{ ...fileWith({}), apiVersion: "v1" }, 'apiVersion: must be keyturn.dev/v1alpha1, is "v1"'],
    [{ ...fileWith({}), kind: "JwtKeyRotation" }, 'kind: must be TokenIssuer, is "JwtKeyRotation"'],
    [{ ...fileWith({}), metadata: {} }, "metadata.name: must be set, is missing"],
    [{ ...fileWith({}), spec: null }, "spec: must be set, is missing"],
    [{ ...fileWith({}), spec: [] }, "spec: must be an object, is a list"],
    [{ ...fileWith({}), status: {} }, 'unknown field "status"'],
  ])("refuses the document %o", (file, problem) => expect(problemsOf(file)).toEqual([problem]));

  test("finds every problem at once, and counts what are too many", () => {
    const wrong = Array.from({ length: 60 }, (_, index) => clientWith({ id: `c${index}`, secretFiles: [] }));
    const problems = problemsOf(fileWith({ clients: wrong }));
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toBe("and 10 more problems");
  });

  test("never shows what stands in a wrong place and may be key material", () => {
    const secret = "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY";
    const file = fileWith({
      [secret]: 1,
      maxAccessTTL: secret,
      clients: [clientWith({ id: `${secret}\n`, secretFiles: secret, subject: `a\n${secret}` })],
      trust: [
        trustWith({ jwksURL: secret, caFile: 5, rules: [ruleWith({ match: { sub: "*", [`/${secret}~`]: "*" } })] }),
        trustWith({ name: "b", issuer: "b", jwks: { keys: [{ ...privateJwk, kty: secret }] } }),
      ],
    });
    const text = problemsOf(file).join("\n");
    expect(text.split("\n").length).toBeGreaterThan(6);
    expect(text).not.toContain(secret.slice(0, 20));
    expect(text).not.toContain(String(privateJwk.d));
  });
});
