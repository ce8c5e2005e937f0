import { describe, expect, test } from "vitest";
import { decider, type AuthOutcome } from "../../../src/gateway/faces/decision.ts";
import { front } from "../../../src/gateway/faces/front.ts";
import { type HolderEvent, reduce } from "../../../src/holder/reduce.ts";
import { type HolderState, newHolder } from "../../../src/holder/state.ts";
import { isReady } from "../../../src/holder/state-view.ts";
import { discoveryDocument, jwksDocument } from "../../../src/holder/well-known.ts";
import type { Requirements } from "../../../src/jwt/requirements.ts";
import { compileRing } from "../../../src/jwt/verifier.ts";
import { policy } from "../../support/story.ts";
import { kid, opened, type RingPlan } from "../support/rings.ts";
import { RawClient, serve } from "../../http/support/serve.ts";
import { tokenOf } from "../support/tokens.ts";

const nowMs = Date.UTC(2026, 10, 21, 10);
const minute = 60_000;
const owned = [
  { claim: "sub", header: "X-Auth-Subject" },
  { claim: "scope", header: "X-Auth-Scope" },
];

/** A front whose ring the test changes. */
async function opening(required: Requirements = {}) {
  let state: HolderState = newHolder({ rotation: "gateway", acks: "off", fenced: false }, undefined, 0);
  const now = { nowMs, monotonicMs: 1 };
  const counted: AuthOutcome[] = [];
  const decide = decider({
    verifier: () =>
      isReady(state) && state.current ? compileRing(state.current, { revokedKids: state.refused }) : undefined,
    ...{ required, owned, nowMs: () => nowMs, count: (outcome) => counted.push(outcome) },
  });
  const options = { state: () => state, now: () => now };
  const { url, port } = await serve(
    front(decide, { jwks: jwksDocument(options), discovery: discoveryDocument(options) }),
  );
  const happens = (event: HolderEvent): void => {
    state = reduce(state, event, 1);
  };
  return {
    ...{ url, port, counted, happens },
    shows: (plan: RingPlan) => happens({ type: "read", askedAtMs: nowMs, ring: opened(plan) }),
    passes: (ms: number) => (now.monotonicMs += ms),
    degrade: () => (state = { ...state, degraded: true }),
    verify: (headers: Record<string, string> = {}, init: RequestInit = {}) =>
      fetch(`${url}/verify`, { ...init, headers }),
  };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("/verify", () => {
  test("allows a good token, with every owned header and without a body", async () => {
    const { verify, shows, counted } = await opening();
    shows({ generation: 5 });
    const answer = await verify(bearer(tokenOf({ nowMs })));
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-length": "0",
      "x-auth-subject": "alice",
      "x-auth-scope": "",
    });
    expect(counted).toEqual(["Accepted"]);
  });

  test("tells the caller nothing about why it denies", async () => {
    const { verify, shows, counted } = await opening();
    shows({ generation: 5, revoked: [3] });
    const rows: readonly (readonly [Record<string, string>, AuthOutcome])[] = [
      [{}, "CredentialsMissing"],
      [{ authorization: "Basic YTpi" }, "SchemeNotBearer"],
      [bearer("x"), "Malformed"],
      [bearer(tokenOf({ nowMs, signer: 2 })), "KidUnknown"],
      [bearer(tokenOf({ nowMs, signer: 3 })), "KeyRevoked"],
      [bearer(tokenOf({ nowMs: nowMs - 7_200_000 })), "Expired"],
    ];
    const answers = new Set<string>();
    for (const [headers] of rows) {
      const { status, headers: all } = await verify(headers);
      const { date: _date, ...rest } = Object.fromEntries(all);
      answers.add(JSON.stringify([status, rest]));
      expect(_date).toBeDefined();
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toMatch(/^\[401,.*"www-authenticate":"Bearer"/);
    expect(counted).toEqual(rows.map(([, outcome]) => outcome));
  });

  test("denies two Authorization headers, a good one among them", async () => {
    const { port, shows, counted } = await opening();
    shows({ generation: 5 });
    const client = await RawClient.to(port);
    const authorization = `Authorization: Bearer ${tokenOf({ nowMs })}`;
    client.write(`GET /verify HTTP/1.1\r\nHost: a\r\n${authorization}\r\n${authorization}\r\n\r\n`);
    expect(await client.says("content-length: 0")).toMatch(/^HTTP\/1\.1 401 /);
    expect(counted).toEqual(["CredentialsRepeated"]);
  });

  test("forbids a token that lacks a scope", async () => {
    const { verify, shows, counted } = await opening({ scopes: ["write"] });
    shows({ generation: 5 });
    const answer = await verify(bearer(tokenOf({ nowMs, claims: { scope: "read" } })));
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([403, 'Bearer error="insufficient_scope"']);
    const good = await verify(bearer(tokenOf({ nowMs, claims: { scope: "read write" } })));
    expect([good.status, good.headers.get("x-auth-scope")]).toEqual([200, "read write"]);
    expect(counted).toEqual(["ScopeMissing", "Accepted"]);
  });

  test("allows no owned header on a denial", async () => {
    const { verify, shows } = await opening();
    shows({ generation: 5 });
    const answer = await verify({ ...bearer("x"), "x-auth-subject": "mallory" });
    expect(answer.headers.get("x-auth-subject")).toBeNull();
  });

  test("answers 503 before there is a ring", async () => {
    const { verify, counted } = await opening();
    expect((await verify(bearer(tokenOf({ nowMs })))).status).toBe(503);
    expect(counted).toEqual(["NotReady"]);
  });

  test("takes any method, any path below it, and does not wait for a body", async () => {
    const { url, port, shows } = await opening();
    shows({ generation: 5 });
    const headers = bearer(tokenOf({ nowMs }));
    for (const method of ["GET", "HEAD", "POST", "DELETE", "PURGE"]) {
      expect((await fetch(`${url}/verify/orders/1?a=b`, { method, headers })).status).toBe(200);
    }
    const client = await RawClient.to(port);
    client.write(
      `POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nAuthorization: ${headers.authorization}\r\n\r\na`,
    );
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
  });

  test("follows the ring: a pruned and a revoked key are refused from the next request on", async () => {
    const { verify, shows } = await opening();
    shows({ generation: 5, signer: 0, standby: 1 });
    const token = bearer(tokenOf({ nowMs }));
    const next = bearer(tokenOf({ nowMs, signer: 1 }));
    expect([(await verify(token)).status, (await verify(next)).status]).toEqual([200, 200]);
    shows({ generation: 6, signer: 1, standby: 2 });
    expect([(await verify(token)).status, (await verify(next)).status]).toEqual([401, 200]);
    shows({ generation: 4, signer: 2, standby: 3, revoked: [1] });
    expect((await verify(next)).status).toBe(401);
  });
});

describe("/.well-known/jwks.json", () => {
  const jwks = (url: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(`${url}/.well-known/jwks.json`, { headers, method });

  test("has the keys of the ring, signer first, and the ring's max-age", async () => {
    const { url, shows } = await opening();
    shows({ generation: 5, retiring: [2] });
    const answer = await jwks(url);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/jwk-set+json",
      "cache-control": "public, max-age=900",
      etag: expect.stringMatching(/^"[\w-]{32}"$/) as string,
    });
    const { keys } = (await answer.json()) as { keys: Record<string, string>[] };
    expect(keys.map((key) => key["kid"])).toEqual([kid(0), kid(1), kid(2)]);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });

  test("lacks what is refused here, though the ring has it", async () => {
    const { url, shows } = await opening();
    shows({ generation: 5 });
    shows({ generation: 4, signer: 2, standby: 3, revoked: [1] });
    const { keys } = (await (await jwks(url)).json()) as { keys: Record<string, string>[] };
    expect(keys.map((key) => key["kid"])).toEqual([kid(0)]);
  });

  test("answers 304 to who has it, and anew after a change", async () => {
    const { url, shows } = await opening();
    shows({ generation: 5 });
    const etag = (await jwks(url)).headers.get("etag") ?? "";
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const answer = await jwks(url, { "if-none-match": header });
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, etag, ""]);
    }
    expect((await jwks(url, { "if-none-match": '"other"' })).status).toBe(200);
    shows({ generation: 6, signer: 1, standby: 2 });
    expect((await jwks(url, { "if-none-match": etag })).status).toBe(200);
  });

  test("is not to be stored while the gateway is degraded", async () => {
    const { url, shows, degrade } = await opening();
    shows({ generation: 5 });
    degrade();
    expect((await jwks(url)).headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    ["its whole max-age while the wait is longer than that", 15 * minute, [200, "public, max-age=900"]],
    ["a shorter one when the wait for keys would end before it", 15 * minute + 1, [200, "public, max-age=899"]],
    ["none at the end of the wait: 503", 30 * minute, [503, "no-store"]],
  ])("unconfirmed for a while has %s", async (_, ms, expected) => {
    const { url, shows, passes, verify } = await opening();
    shows({ generation: 5 });
    passes(ms);
    for (const path of ["jwks.json", "openid-configuration"]) {
      const answer = await fetch(`${url}/.well-known/${path}`);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual(expected);
    }
    expect((await verify(bearer(tokenOf({ nowMs })))).status).toBe(200);
  });

  test("takes HEAD, and no other method", async () => {
    const { url, shows } = await opening();
    shows({ generation: 5 });
    const head = await jwks(url, {}, "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100);
    const post = await jwks(url, {}, "POST");
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });

  test("may be read by any page, and asked whether it may", async () => {
    const { url, shows } = await opening();
    const origin = { origin: "https://app.example" };
    const allowed = (answer: Response) => answer.headers.get("access-control-allow-origin");
    expect(allowed(await jwks(url, origin))).toBe("*");
    shows({ generation: 5 });
    const answer = await jwks(url, origin);
    expect([answer.status, allowed(answer), answer.headers.get("access-control-expose-headers")]).toEqual([
      200,
      "*",
      "etag",
    ]);
    const unchanged = await jwks(url, { ...origin, "if-none-match": answer.headers.get("etag") ?? "" });
    expect([unchanged.status, allowed(unchanged)]).toEqual([304, "*"]);
    const asked = await jwks(url, { ...origin, "access-control-request-method": "GET" }, "OPTIONS");
    expect([asked.status, allowed(asked), asked.headers.get("access-control-allow-headers")]).toEqual([204, "*", "*"]);
    expect(allowed(await fetch(`${url}/verify`, { headers: origin }))).toBeNull();
  });

  test("answers 503 before there is a ring", async () => {
    const { url } = await opening();
    const answer = await jwks(url);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([503, "no-store"]);
  });
});

describe("/.well-known/openid-configuration", () => {
  const issued = (issuer: string) => async () => {
    const { url, shows } = await opening();
    const { signer } = opened({ generation: 5 }).ring;
    shows({ generation: 5, change: { signer: { ...signer, profile: { ...policy.profile, issuer } } } });
    return fetch(`${url}/.well-known/openid-configuration`);
  };

  test("tells the issuer, where its keys are, and the algorithms", async () => {
    const answer = await issued("https://issuer.example")();
    expect(await answer.json()).toEqual({
      issuer: "https://issuer.example",
      jwks_uri: "https://issuer.example/.well-known/jwks.json",
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
  });

  test("has the next algorithm as soon as a key of it is there, and the old one until its last key is gone", async () => {
    const { url, shows } = await opening();
    const { signer, standby } = opened({ generation: 5 }).ring;
    const [old] = opened({ generation: 5, retiring: [2] }).ring.retiring;
    if (!standby || !old) throw new Error("the test's ring has none");
    const profile = { ...policy.profile, algorithm: "RS256" } as const;
    const read = async () => {
      const answer = await fetch(`${url}/.well-known/openid-configuration`);
      const { id_token_signing_alg_values_supported: algorithms } = (await answer.json()) as Record<string, unknown>;
      return [algorithms, answer.headers.get("cache-control")];
    };
    shows({ generation: 5 });
    expect(await read()).toEqual([["ES256"], "public, max-age=900"]);
    // The change was asked for: the key of it is prepared, and waits for copies of this very age
    shows({ generation: 6, change: { standby: { ...standby, profile } } });
    expect(await read()).toEqual([["ES256", "RS256"], "public, max-age=900"]);
    shows({
      generation: 7,
      change: { signer: { ...signer, profile }, standby: { ...standby, profile }, retiring: [old] },
    });
    expect(await read()).toEqual([["RS256", "ES256"], "public, max-age=900"]);
    shows({ generation: 8, change: { signer: { ...signer, profile }, standby: { ...standby, profile } } });
    expect(await read()).toEqual([["RS256"], "public, max-age=900"]);
  });

  test("puts no second slash behind an issuer that ends with one", async () => {
    const document = (await (await issued("https://issuer.example/a/")()).json()) as Record<string, string>;
    expect(document["jwks_uri"]).toBe("https://issuer.example/a/.well-known/jwks.json");
  });

  test.each(["issuer", "http://issuer.example", "https://issuer.example?a=b", "https://issuer.example#a"])(
    "is not there for the issuer %s",
    async (issuer) => {
      expect((await issued(issuer)()).status).toBe(404);
    },
  );
});

test("anything else is 404", async () => {
  const { url } = await opening();
  for (const path of ["/", "/verifyx", "/token", "/metrics", "/.well-known/jwks.json/"]) {
    expect((await fetch(url + path)).status).toBe(404);
  }
});
