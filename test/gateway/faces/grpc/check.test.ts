import { describe, expect, test } from "vitest";
import { decider, type AuthOutcome } from "../../../../src/gateway/faces/decision.ts";
import type { Requirements } from "../../../../src/jwt/requirements.ts";
import { compileRing, type Verifier } from "../../../../src/jwt/verifier.ts";
import type { CheckRequest, HeaderValue } from "../../support/envoy-messages.ts";
import { asking, GrpcClient, serveGrpc } from "../../support/grpc.ts";
import { opened, type RingPlan } from "../../support/rings.ts";
import { tokenOf } from "../../support/tokens.ts";

const nowMs = Date.UTC(2026, 10, 21, 10);
const owned = [
  { claim: "sub", header: "X-Auth-Subject" },
  { claim: "scope", header: "X-Auth-Scope" },
];
const bearer = (token: string, key = "authorization"): HeaderValue => ({ key, value: `Bearer ${token}` });
const raw = ({ key = "", value = "" }: HeaderValue): HeaderValue => ({ key, rawValue: Buffer.from(value) });
const inMap = (...headers: readonly HeaderValue[]): CheckRequest => ({
  attributes: { request: { http: { headerMap: { headers } } } },
});
const token = tokenOf({ nowMs });

/** A listener whose ring the test changes, and a client of it. */
async function opening(required: Requirements = {}, plan: RingPlan | "none" = { generation: 5 }) {
  let verifier: Verifier | undefined;
  const counted: AuthOutcome[] = [];
  const decide = decider({
    verifier: () => verifier,
    ...{ required, owned, nowMs: () => nowMs, count: (outcome) => counted.push(outcome) },
  });
  const { port } = await serveGrpc({ decide, isReady: () => true });
  const shows = (ring: RingPlan): void => {
    const open = opened(ring);
    verifier = compileRing(open, { revokedKids: new Set(open.ring.revoked.map((one) => one.kid)) });
  };
  if (plan !== "none") shows(plan);
  const client = new GrpcClient(port);
  const status = async (request: CheckRequest): Promise<number | undefined> => {
    const { message } = await client.check(request);
    return message?.okResponse ? 200 : message?.deniedResponse?.status.code;
  };
  return { client, counted, shows, status };
}

describe("Check", () => {
  test("allows a good token: sets every owned header over the client's, and removes what has no value", async () => {
    const { client, counted } = await opening();
    const { message } = await client.check(asking(bearer(token), { key: "x-auth-subject", value: "mallory" }));
    expect(message).toEqual({
      status: { code: 0 },
      okResponse: {
        headers: [{ header: { key: "x-auth-subject", value: "alice" }, append: { value: false } }],
        headersToRemove: ["x-auth-scope"],
      },
    });
    expect(counted).toEqual(["Accepted"]);
  });

  test("tells the caller nothing about why it denies", async () => {
    const { client, counted } = await opening({}, { generation: 5, revoked: [3] });
    const rows: readonly (readonly [readonly HeaderValue[], AuthOutcome])[] = [
      [[], "CredentialsMissing"],
      [[{ key: "authorization", value: "Basic YTpi" }], "SchemeNotBearer"],
      [[bearer("x")], "Malformed"],
      [[bearer(tokenOf({ nowMs, signer: 2 }))], "KidUnknown"],
      [[bearer(tokenOf({ nowMs, signer: 3 }))], "KeyRevoked"],
      [[bearer(tokenOf({ nowMs: nowMs - 7_200_000 }))], "Expired"],
    ];
    for (const [headers] of rows) {
      expect((await client.check(asking(...headers))).message).toEqual({
        status: { code: 16 },
        deniedResponse: {
          status: { code: 401 },
          headers: [{ header: { key: "www-authenticate", value: "Bearer" }, append: { value: false } }],
        },
      });
    }
    expect(counted).toEqual(rows.map(([, outcome]) => outcome));
  });

  test("forbids a token that lacks a scope", async () => {
    const { client, counted, status } = await opening({ scopes: ["write"] });
    const { message } = await client.check(asking(bearer(tokenOf({ nowMs, claims: { scope: "read" } }))));
    expect(message).toMatchObject({
      status: { code: 7 },
      deniedResponse: {
        status: { code: 403 },
        headers: [{ header: { key: "www-authenticate", value: 'Bearer error="insufficient_scope"' } }],
      },
    });
    expect(await status(asking(bearer(tokenOf({ nowMs, claims: { scope: "read write" } }))))).toBe(200);
    expect(counted).toEqual(["ScopeMissing", "Accepted"]);
  });

  test("answers 503 before there is a ring", async () => {
    const { client, counted } = await opening({}, "none");
    const { message } = await client.check(asking(bearer(token)));
    expect(message).toEqual({ status: { code: 14 }, deniedResponse: { status: { code: 503 } } });
    expect(counted).toEqual(["NotReady"]);
  });

  test("follows the ring: a pruned and a revoked key are refused from the next request on", async () => {
    const { shows, status } = await opening();
    const next = tokenOf({ nowMs, signer: 1 });
    expect([await status(asking(bearer(token))), await status(asking(bearer(next)))]).toEqual([200, 200]);
    shows({ generation: 6, signer: 1, standby: 2 });
    expect([await status(asking(bearer(token))), await status(asking(bearer(next)))]).toEqual([401, 200]);
    shows({ generation: 7, signer: 2, standby: 3, revoked: [1] });
    expect(await status(asking(bearer(next)))).toBe(401);
  });
});

describe("Check on the wire, field by field as Envoy's documentation numbers them,", () => {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
  const field = (id: number, ...parts: readonly (Buffer | string)[]): Buffer => {
    const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
    return Buffer.concat([Buffer.from([...varint(id * 8 + 2), ...varint(value.length)]), value]);
  };
  const number = (value: number): Buffer => Buffer.from([8, ...varint(value)]);
  const option = (key: string, value: string): Buffer =>
    field(2, field(1, field(1, key), field(2, value)), field(2, number(0)));
  const name = field(1, "authorization");
  const asked = (headers: Buffer): Buffer => field(1, field(4, field(2, headers)));

  test.each([
    ["headers", asked(field(3, name, field(2, `Bearer ${token}`)))],
    ["raw headers", asked(field(13, field(1, name, field(3, `Bearer ${token}`))))],
  ])("allows a good token among %s", async (_, bytes) => {
    const { client } = await opening();
    const { message } = await client.call("/envoy.service.auth.v3.Authorization/Check", bytes);
    const ok = field(3, option("x-auth-subject", "alice"), field(5, "x-auth-scope"));
    expect(message).toEqual(Buffer.concat([field(1, number(0)), ok]));
  });

  test("denies, with status and challenge", async () => {
    const { client } = await opening();
    const { message } = await client.call("/envoy.service.auth.v3.Authorization/Check", Buffer.alloc(0));
    const denied = field(2, field(1, number(401)), option("www-authenticate", "Bearer"));
    expect(message).toEqual(Buffer.concat([field(1, number(16)), denied]));
  });
});

describe("Check takes the token", () => {
  test("from raw headers, where Envoy sends these", async () => {
    const { status } = await opening();
    expect(await status(inMap(raw({ key: ":path", value: "/" }), raw(bearer(token))))).toBe(200);
  });

  test.each<[string, CheckRequest, AuthOutcome]>([
    [
      "that Envoy joined",
      asking({ key: "authorization", value: `Bearer ${token},Bearer ${token}` }),
      "SchemeNotBearer",
    ],
    ["joined with another", asking({ key: "authorization", value: `Bearer ${token},Basic a` }), "SchemeNotBearer"],
    ["joined with an empty one", asking({ key: "authorization", value: `Bearer ${token},` }), "SchemeNotBearer"],
    ["that are raw", inMap(raw(bearer(token)), raw(bearer(token))), "CredentialsRepeated"],
    ["that are raw, one empty", inMap(raw({ key: "authorization" }), raw(bearer(token))), "CredentialsRepeated"],
    ["of two entries in the map", asking(bearer(token), bearer(token)), "CredentialsRepeated"],
    ["in two cases", asking(bearer(token), bearer(token, "Authorization")), "CredentialsRepeated"],
    [
      "one raw and one not",
      { attributes: { request: { http: { headers: [bearer(token)], headerMap: { headers: [raw(bearer(token))] } } } } },
      "CredentialsRepeated",
    ],
  ])("never from two headers %s", async (_, request, outcome) => {
    const { counted, status } = await opening();
    expect(await status(request)).toBe(401);
    expect(counted).toEqual([outcome]);
  });

  test.each<[string, CheckRequest]>([
    ["nothing at all", {}],
    ["no request", { attributes: {} }],
    ["no http", { attributes: { request: {} } }],
    ["no headers", { attributes: { request: { http: {} } } }],
    ["an empty list of raw headers", { attributes: { request: { http: { headerMap: {} } } } }],
    ["a header without a name", asking({ value: `Bearer ${token}` })],
    ["no header of that name", asking(bearer(token, "proxy-authorization"))],
  ])("and misses it in %s", async (_, request) => {
    const { counted, status } = await opening();
    expect(await status(request)).toBe(401);
    expect(counted).toEqual(["CredentialsMissing"]);
  });

  test("and reads a header without a value as an empty one", async () => {
    const { counted, status } = await opening();
    expect(await status(asking({ key: "authorization" }))).toBe(401);
    expect(counted).toEqual(["SchemeNotBearer"]);
  });
});
