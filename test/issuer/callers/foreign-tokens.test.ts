import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { longestDocument } from "../../../src/issuer/callers/fetch-document.ts";
import { jwksAddress } from "../../../src/issuer/callers/key-source.ts";
import { intervalMs, refreshMs, staleMs } from "../../../src/issuer/callers/remote-keys.ts";
import { newAuthority } from "../../kube/support/certificates.ts";
import { type Call, cut, json, type Reply, stall } from "../../kube/support/script-server.ts";
import { verifying } from "../support/foreign.ts";
import { provider, type Provider } from "../support/provider.ts";
import { ruleWith, trustWith } from "../support/token-issuers.ts";
import { claimsAt, newKey, type SigningKey, tokenOf } from "../support/tokens.ts";

const good = { kind: "foreign", subject: "ext:anna" };
const refusedAt = (check: string) => ({ kind: "refused", error: "invalid_grant", check });
const away = { kind: "refused", error: "temporarily_unavailable", check: "keys" };

function only(keys: readonly SigningKey[]): SigningKey {
  const [key] = keys;
  if (key === undefined) throw new Error("Has no key");
  return key;
}

async function trusted(more: object = {}) {
  const source = await provider();
  const scene = verifying([trustWith({ jwksURL: `${source.server}/jwks`, ...more })]);
  return { ...scene, source, key: only(source.keys) };
}

describe("ForeignTokens.verify", () => {
  test("says who it is, and what it carries", async () => {
    const rule = ruleWith({ carry: { pod: "/kubernetes.io/pod/name", team: "team" } });
    const { verify, key, clock } = await trusted({ rules: [rule] });
    expect(await verify(key, { "kubernetes.io": { pod: { name: "p-1" } } })).toEqual({
      kind: "foreign",
      issuer: "https://partner.example",
      foreignSubject: "anna",
      trust: "partner",
      rule: "everybody",
      subject: "ext:anna",
      claims: { pod: "p-1" },
      expiresAtMs: clock.nowMs() + 600_000,
      allowed: expect.objectContaining({ audiences: ["api"], scopes: ["read"] }) as unknown,
    });
  });

  test("a token by another key under a known kid has no good signature", async () => {
    const { verify, key, log } = await trusted();
    expect(await verify({ ...newKey(), kid: key.kid })).toMatchObject(refusedAt("signature"));
    expect(await log.heard('"check":"signature"')).toContain('"subject":"\\"anna\\""');
  });

  test("claims that were changed have no good signature", async () => {
    const { foreign, key, clock } = await trusted();
    const [head, , signature] = tokenOf(claimsAt(clock.nowMs()), key).split(".");
    const claims = Buffer.from(JSON.stringify(claimsAt(clock.nowMs(), { sub: "root" }))).toString("base64url");
    expect(await foreign.verify([head, claims, signature].join("."))).toMatchObject(refusedAt("signature"));
  });

  test("a token without kid is good with the one key of its kind, and with none of two", async () => {
    const { verify, key, source, clock } = await trusted();
    expect(await verify(key, {}, { kid: undefined })).toMatchObject(good);
    source.keys = [key, newKey()];
    await clock.advance(refreshMs);
    await source.called(2);
    await clock.armed(refreshMs);
    expect(await verify(key, {}, { kid: undefined })).toMatchObject(refusedAt("key"));
  });

  test("a key for encryption, a secret one and a private one verify nothing", async () => {
    const source = await provider();
    const key = only(source.keys);
    const half = generateKeyPairSync("ec", { namedCurve: "P-256" });
    source.answer = json(200, {
      keys: [
        { kty: "oct", kid: "secret", k: "c2VjcmV0" },
        { ...half.privateKey.export({ format: "jwk" }), kid: "private" },
        { ...key.publicJwk, kid: "enc", use: "enc" },
        { kty: "unheard-of", kid: "x" },
        null,
        key.publicJwk,
      ],
    });
    const { verify } = verifying([trustWith({ jwksURL: `${source.server}/jwks` })]);
    expect(await verify(key)).toMatchObject(good);
    const privateKey: SigningKey = { ...key, privateKey: half.privateKey };
    for (const kid of ["secret", "private", "enc", "x"])
      expect(await verify({ ...privateKey, kid })).toMatchObject(refusedAt("key"));
  });

  test("keys that stand in the file need no source", async () => {
    const key = newKey();
    const { verify } = verifying([trustWith({ jwks: { keys: [key.publicJwk] } })]);
    expect(await verify(key)).toMatchObject(good);
    expect(await verify(newKey())).toMatchObject(refusedAt("key"));
  });

  test("a token that is single use is exchanged once, and one without jti never", async () => {
    const { foreign, verify, key, clock } = await trusted({ singleUse: true });
    const token = tokenOf(claimsAt(clock.nowMs()), key);
    const answers = await Promise.all([foreign.verify(token), foreign.verify(token)]);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(["foreign", "refused"]);
    expect(await foreign.verify(token)).toMatchObject(refusedAt("single-use"));
    expect(await verify(key, { jti: undefined })).toMatchObject(refusedAt("single-use"));
    expect(await verify(key)).toMatchObject(good);
  });

  test("a forged token uses nothing up", async () => {
    const { verify, key } = await trusted({ singleUse: true });
    expect(await verify({ ...newKey(), kid: key.kid }, { jti: "a" })).toMatchObject(refusedAt("signature"));
    expect(await verify(key, { jti: "a" })).toMatchObject(good);
  });

  test("no token and none of its other claims gets into the log or the answer", async () => {
    const { foreign, log, key, clock } = await trusted();
    const token = tokenOf(claimsAt(clock.nowMs(), { aud: "other", email: "anna@example.com", jti: "jti-1234" }), key);
    const forged = tokenOf(claimsAt(clock.nowMs(), { email: "anna@example.com", jti: "jti-1234" }), newKey());
    const answers = [await foreign.verify(token), await foreign.verify(forged)];
    const said = `${log.lines.join("\n")}${JSON.stringify(answers)}`;
    expect(said).toContain("Cannot exchange a token: must be for an audience that is expected");
    for (const part of [...token.split("."), ...forged.split("."), "anna@example.com", "jti-1234"])
      expect(said).not.toContain(part);
  });
});

describe("RemoteKeys", () => {
  test("R13: a flood of unknown keys is one fetch per interval, and good tokens go on meanwhile", async () => {
    const { verify, key, source, clock } = await trusted();
    expect(await verify(key)).toMatchObject(good);
    const flood = () => Promise.all(Array.from({ length: 200 }, () => verify(newKey())));
    for (const answer of await flood()) expect(answer).toMatchObject(refusedAt("key"));
    expect(source.asked).toBe(1);
    for (let round = 2; round < 5; round++) {
      await clock.advance(intervalMs);
      await flood();
      await flood();
      expect(source.asked).toBe(round);
      expect(await verify(key)).toMatchObject(good);
    }
  });

  test("a new key is good with its first token after the interval, and all who come at once wait for one fetch", async () => {
    const { verify, key, source, clock } = await trusted();
    expect(await verify(key)).toMatchObject(good);
    const next = newKey();
    source.keys = [key, next];
    await clock.advance(intervalMs);
    expect(await Promise.all([verify(next), verify(next), verify(key)])).toMatchObject([good, good, good]);
    expect(source.asked).toBe(2);
  });

  test("a key that its issuer took back is refused after the next refresh", async () => {
    const { verify, key, source, clock } = await trusted();
    expect(await verify(key)).toMatchObject(good);
    source.keys = [];
    await clock.advance(refreshMs - 1);
    expect(await verify(key)).toMatchObject(good);
    await clock.advance(1);
    await source.called(2);
    await clock.armed(refreshMs);
    expect(await verify(key)).toMatchObject(refusedAt("key"));
  });

  test("while a fetch hangs, tokens of known keys do not wait", async () => {
    const { verify, key, source, clock, log } = await trusted();
    await verify(key);
    source.answer = stall;
    await clock.advance(intervalMs);
    const waiting = verify(newKey());
    await source.called(2);
    expect(await verify(key)).toMatchObject(good);
    await clock.advance(5000);
    expect(await waiting).toMatchObject(refusedAt("key"));
    expect(await log.heard("Cannot load the keys")).toContain("nothing whole came within 5 s");
  });

  test("so many wait for a fetch, and those who come then are to come again at once", async () => {
    const { verify, key, source, clock } = await trusted();
    await verify(key);
    source.answer = stall;
    await clock.advance(intervalMs);
    const flood = Array.from({ length: 257 }, (_, index) => verify(key, {}, { kid: `unknown-${index}` }));
    expect(await flood.at(-1)).toMatchObject(away);
    await source.called(2);
    expect(await verify(key)).toMatchObject(good);
    await clock.advance(5000);
    expect(await flood[0]).toMatchObject(refusedAt("key"));
    expect(await flood[255]).toMatchObject(refusedAt("key"));
  });

  test("an issuer whose source hangs holds up no other", async () => {
    const [slow, quick] = [await provider(), await provider()];
    slow.answer = stall;
    const { verify } = verifying([
      trustWith({ jwksURL: `${slow.server}/jwks` }),
      trustWith({ jwksURL: `${quick.server}/jwks`, name: "quick", issuer: "quick" }),
    ]);
    const waiting = verify(newKey());
    await slow.called(1);
    expect(await verify(only(quick.keys), { iss: "quick" })).toMatchObject(good);
    slow.keys = [];
    await slow.close();
    expect(await waiting).toMatchObject(away);
  });

  test("while its source is away the keys are used for a day, and not a moment longer; then a retry helps", async () => {
    const { verify, key, source, clock, log } = await trusted();
    await verify(key);
    source.answer = json(503, {});
    await clock.advance(refreshMs);
    await log.heard("answers 503");
    clock.freeze(staleMs - refreshMs - 1);
    expect(await verify(key)).toMatchObject(good);
    clock.freeze(1);
    expect(await verify(key)).toMatchObject(away);
    source.answer = undefined;
    await clock.advance(intervalMs);
    await log.heard("again");
    expect(await verify(key)).toMatchObject(good);
  });

  test("a source that is away at the start costs one fetch per interval, and its tokens are to come again", async () => {
    const source = await provider();
    source.answer = cut;
    const { verify, log, clock } = verifying([trustWith({ jwksURL: `${source.server}/jwks` })]);
    const key = only(source.keys);
    expect(await Promise.all([verify(key), verify(key)])).toMatchObject([away, away]);
    expect(await verify(key)).toMatchObject(away);
    expect(source.asked).toBe(1);
    expect(await log.heard("Cannot load the keys")).toMatch(/^warn \{"trust":"partner"\}/);
    source.answer = undefined;
    await clock.advance(intervalMs);
    await log.heard("again");
    expect(await verify(key)).toMatchObject(good);
    expect(source.asked).toBe(2);
  });

  const half: Reply = (response) => {
    response.writeHead(200, { "content-length": "1000" }).write('{"keys":');
    response.socket?.destroySoon();
  };
  test.each<[what: string, answer: Reply, problem: string]>([
    ["a page", (response) => void response.end("<html>secret page"), "must answer a JSON object"],
    ["a list", json(200, []), "must answer a JSON object"],
    ["no keys", json(200, {}), "the keys must be a JWK Set"],
    ["keys that are none", json(200, { keys: {} }), "the keys must be a JWK Set"],
    [
      "keys of which none can verify",
      json(200, { keys: [{ kty: "oct", k: "c2VjcmV0" }] }),
      "must have one that can verify",
    ],
    ["too many keys", json(200, { keys: Array(101).fill({}) }), "the keys must be at most 100, are 101"],
    [
      "too much",
      json(200, { keys: [], more: "x".repeat(longestDocument) }),
      `must answer at most ${longestDocument} bytes`,
    ],
    ["an error", json(500, { keys: [] }), "must answer 200, answers 500"],
    ["nothing", (response) => void response.writeHead(204).end(), "must answer 200, answers 204"],
    [
      "a redirect",
      (response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
      "redirects, which is not followed",
    ],
    ["half an answer", half, "the connection broke"],
    [
      "compressed data",
      (response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("\u001f\u008b"),
      "must answer a JSON object",
    ],
  ])("a source that answers %s changes nothing: the keys of before are used", async (_what, answer, problem) => {
    const { verify, key, source, clock, log } = await trusted();
    expect(await verify(key)).toMatchObject(good);
    source.answer = answer;
    await clock.advance(refreshMs);
    expect(await log.heard("Cannot load the keys")).toContain(problem);
    expect(log.lines.join("\n")).not.toContain("secret page");
    expect(await verify(key)).toMatchObject(good);
    expect(source.asked).toBe(2);
  });
});

describe("discovery", () => {
  const bearerIn = (call: Call | undefined) => call?.headers.authorization;

  async function discovering(prepare: (source: Provider) => void = () => undefined, more: object = {}) {
    const source = await provider();
    prepare(source);
    const url = `${source.server}/.well-known/openid-configuration`;
    return { source, key: only(source.keys), ...verifying([trustWith({ discovery: { url }, ...more })]) };
  }

  test("finds the keys by the issuer's description", async () => {
    const { verify, key } = await discovering();
    expect(await verify(key)).toMatchObject(good);
  });

  test.each([
    ["another issuer", { issuer: "https://evil.example" }, "must name the issuer that is trusted"],
    ["no issuer", {}, "must name the issuer that is trusted"],
    ["no address", { issuer: "https://partner.example" }, "must have a jwks_uri"],
    ["an address that is none", { issuer: "https://partner.example", jwks_uri: "jwks" }, "must have a jwks_uri"],
    ["a file", { issuer: "https://partner.example", jwks_uri: "file:///etc/passwd" }, "must have a jwks_uri"],
    [
      "an address with a password",
      { issuer: "https://partner.example", jwks_uri: "https://a:b@x.example" },
      "must have a jwks_uri",
    ],
    [
      "an address in clear",
      { issuer: "https://partner.example", jwks_uri: "http://x.example" },
      "must have a jwks_uri of https",
    ],
  ])("a description with %s is refused, and nobody else is asked", async (_what, description, problem) => {
    const { verify, key, log, source } = await discovering((one) => (one.description = description));
    expect(await verify(key)).toMatchObject(away);
    expect(await log.heard("Cannot load the keys")).toContain(problem);
    expect(source.asked).toBe(0);
  });

  test("a description from elsewhere can't point at what listens on this machine", () => {
    expect(() => jwksAddress("http://127.0.0.1/jwks", new URL("https://x.example"))).toThrow("of https");
    expect(jwksAddress("https://y.example/jwks", new URL("https://x.example")).href).toBe("https://y.example/jwks");
  });

  test("the bearer token goes to whom the file names, and to nobody whom that one names", async () => {
    const dir = mkdtempSync(join(tmpdir(), "keyturn-bearer-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const bearerTokenFile = join(dir, "token");
    writeFileSync(bearerTokenFile, "ours\n");
    const other = await provider();
    const same = await discovering(undefined, { bearerTokenFile });
    expect(await same.verify(same.key)).toMatchObject(good);
    expect(same.source.calls.map(bearerIn)).toEqual(["Bearer ours", "Bearer ours"]);
    const description = { issuer: "https://partner.example", jwks_uri: `${other.server}/jwks` };
    const elsewhere = await discovering((one) => (one.description = description), { bearerTokenFile });
    expect(await elsewhere.verify(only(other.keys))).toMatchObject(good);
    expect([bearerIn(elsewhere.source.calls[0]), bearerIn(other.calls[0])]).toEqual(["Bearer ours", undefined]);
  });

  test("over TLS, by the CA that the file names and by no other", async () => {
    const dir = mkdtempSync(join(tmpdir(), "keyturn-ca-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const [ours, another] = [newAuthority("ours"), newAuthority("another")];
    const source = await provider(ours.issue("localhost"));
    const caFile = join(dir, "ca.crt");
    writeFileSync(caFile, another.cert);
    const { verify, clock, log } = verifying([trustWith({ jwksURL: `${source.server}/jwks`, caFile })]);
    expect(await verify(only(source.keys))).toMatchObject(away);
    writeFileSync(caFile, ours.cert);
    await clock.advance(intervalMs);
    await log.heard("again");
    expect(await verify(only(source.keys))).toMatchObject(good);
  });
});
