import { describe, expect, test } from "vitest";
import { accessEndsAtMs, endsAtMs } from "../../../src/grants/lifetime.ts";
import type { TokenRequest, ClientCaller, Granted, RefusedCaller } from "../../../src/issuer/callers/caller.ts";
import { type Bounds, narrow, narrowBelow, type Parent } from "../../../src/issuer/callers/narrow.ts";
import { globOf } from "../../../src/issuer/config/glob.ts";
import { type Allowed, grantTypes } from "../../../src/issuer/config/token-issuer.ts";

const secondMs = 1000;
const dayMs = 86_400 * secondMs;
const nowMs = Date.parse("2026-11-30T00:00:00Z");
const bounds: Bounds = { signer: { audiences: ["api", "files", "mail"], maxTTLMs: 3600 * secondMs }, nowMs };

const most: Allowed = {
  ...{ requestRate: 500, introspect: false, watchRevocations: false },
  grantTypes,
  audiences: ["files", "api", "unsigned"],
  scopes: ["read", "write"],
  subjects: [globOf("user:*")],
  claims: [globOf("team"), globOf("x_*"), globOf("s*")],
  accessTtl: {},
  refreshTtl: { defaultMs: dayMs, maxMs: 90 * dayMs },
};

const callerWith = (allowed: Partial<Allowed> = {}, claims: TokenRequest["claims"] = {}): ClientCaller => ({
  kind: "client",
  clientId: "dashboard",
  subject: "dashboard",
  claims,
  allowed: { ...most, ...allowed },
});

const parentWith = (more: Partial<Parent> = {}): Parent => ({
  audiences: most.audiences,
  scopes: most.scopes,
  claims: {},
  own: {},
  accessTtlMs: 3600 * secondMs,
  refreshTtlMs: 90 * dayMs,
  mayAskFor: [most.claims],
  ...more,
});

function granted(answer: Granted | RefusedCaller): Granted {
  if (answer.kind === "refused") throw new Error(`Refused: ${answer.check}`);
  return answer;
}

/** Every way to a pair: by each grant type, and below another grant. */
const ways: readonly (readonly [
  way: string,
  ask: (asked: Omit<TokenRequest, "grantType">, allowed?: Partial<Allowed>) => Granted,
])[] = [
  ...grantTypes
    .filter((grantType) => grantType !== "refresh_token")
    .map(
      (grantType) =>
        [
          grantType,
          (asked: Omit<TokenRequest, "grantType">, allowed: Partial<Allowed> = {}) =>
            granted(narrow(callerWith(allowed), { ...asked, grantType }, bounds)),
        ] as const,
    ),
  [
    "below a parent",
    (asked, { refreshTtl, notAfterMs } = {}) => {
      const parent = parentWith({
        refreshTtlMs: refreshTtl?.maxMs ?? most.refreshTtl.maxMs,
        ...(notAfterMs !== undefined && { notAfterMs }),
      });
      return granted(narrowBelow(parent, { ...asked, subject: "agent-1" }, bounds));
    },
  ],
];

describe.each(ways)("narrow: refreshTokenTtlSeconds, %s", (_way, ask) => {
  const monthMs = 30 * dayMs;

  test.each<[asked: unknown, allowed: Partial<Allowed>, ms: number, from: string]>([
    [undefined, {}, dayMs, "default"],
    [null, {}, dayMs, "default"],
    [0, {}, dayMs, "default"],
    [-1, {}, dayMs, "default"],
    [1.5, {}, dayMs, "default"],
    [NaN, {}, dayMs, "default"],
    [true, {}, dayMs, "default"],
    [[86_400], {}, dayMs, "default"],
    ["", {}, dayMs, "default"],
    ["x", {}, dayMs, "default"],
    ["0", {}, dayMs, "default"],
    ["1e6", {}, dayMs, "default"],
    [1, {}, secondMs, "asked"],
    ["2592000", {}, monthMs, "asked"],
    [2_592_000, {}, monthMs, "asked"],
    [90 * 86_400, {}, 90 * dayMs, "asked"],
    [90 * 86_400 + 1, {}, 90 * dayMs, "cap"],
    [365 * 86_400, {}, 90 * dayMs, "cap"],
    [2_592_000, { refreshTtl: { defaultMs: dayMs, maxMs: monthMs - 1 } }, monthMs - 1, "cap"],
    [2_592_000, { refreshTtl: { defaultMs: dayMs, maxMs: monthMs } }, monthMs, "asked"],
    [undefined, { refreshTtl: { defaultMs: 3600, maxMs: 3600 } }, 3600, "default"],
  ])("%o becomes %o → %i ms, %s", (asked, allowed, ...[ms, from]) => {
    expect(ask({ refreshTokenTtlSeconds: asked }, allowed).refreshTtl).toEqual({ ms, from });
  });

  test("the cap of 90 days holds, whatever the file would allow", () => {
    const refreshTtl = { defaultMs: dayMs, maxMs: 365 * dayMs };
    expect(ask({ refreshTokenTtlSeconds: 365 * 86_400 }, { refreshTtl }).refreshTtl?.ms).toBe(90 * dayMs);
  });

  test("notAfter comes along, and beats every life that was asked for", () => {
    const notAfterMs = nowMs + 60 * secondMs;
    const { refreshTtl, accessTtl, notAfterMs: end } = ask({ refreshTokenTtlSeconds: 2_592_000 }, { notAfterMs });
    expect(end).toBe(notAfterMs);
    expect(endsAtMs({ refreshTtlMs: refreshTtl?.ms ?? 0, notAfterMs: end ?? 0 }, nowMs)).toBe(notAfterMs);
    expect(accessEndsAtMs(accessTtl.ms, nowMs, end)).toBe(notAfterMs);
  });

  test("without notAfter there is none", () => expect(ask({})).not.toHaveProperty("notAfterMs"));
});

describe("narrow: expiresIn", () => {
  test.each<[asked: unknown, accessTtl: Allowed["accessTtl"], ms: number, from: string]>([
    [undefined, {}, 3600_000, "default"],
    [undefined, { defaultMs: 60_000 }, 60_000, "default"],
    [undefined, { maxMs: 900_000 }, 900_000, "default"],
    [0, { defaultMs: 60_000 }, 60_000, "default"],
    ["x", { defaultMs: 60_000 }, 60_000, "default"],
    ["300", { defaultMs: 60_000 }, 300_000, "asked"],
    [900, { maxMs: 900_000 }, 900_000, "asked"],
    [901, { maxMs: 900_000 }, 900_000, "cap"],
    [3600, {}, 3600_000, "asked"],
    [3601, {}, 3600_000, "cap"],
    [86_400, { maxMs: 86_400_000 }, 3600_000, "cap"],
    [undefined, { defaultMs: 86_400_000 }, 3600_000, "default"],
  ])("%o with %o → %i ms, %s", (expiresIn, accessTtl, ...[ms, from]) => {
    const asked: TokenRequest = { grantType: "client_credentials", expiresIn };
    expect(granted(narrow(callerWith({ accessTtl }), asked, bounds)).accessTtl).toEqual({ ms, from });
  });

  test("a grant below another one has no longer life than it", () => {
    const parent = parentWith({ accessTtlMs: 300_000 });
    const answer = granted(narrowBelow(parent, { subject: "agent-1", expiresIn: 3600 }, bounds));
    expect(answer.accessTtl).toEqual({ ms: 300_000, from: "cap" });
  });
});

describe("narrow: what only narrows", () => {
  const ask = (asked: Partial<TokenRequest>, allowed: Partial<Allowed> = {}, claims: TokenRequest["claims"] = {}) =>
    narrow(callerWith(allowed, claims), { grantType: "client_credentials", ...asked }, bounds);
  const below = (asked: Partial<TokenRequest>, parent: Partial<Parent> = {}) =>
    narrowBelow(parentWith(parent), { subject: "agent-1", ...asked }, bounds);

  test.each<[string, Granted | RefusedCaller, Partial<Granted>]>([
    ["no audience: the first one", ask({}), { audiences: ["files"] }],
    ["an empty list of audiences: the first one", ask({ audiences: [] }), { audiences: ["files"] }],
    [
      "audiences in the order of the request, each once",
      ask({ audiences: ["api", "files", "api"] }),
      { audiences: ["api", "files"] },
    ],
    ["no scope: all", ask({}), { scopes: ["read", "write"] }],
    ["an empty list of scopes: none", ask({ scopes: [] }), { scopes: [] }],
    ["one scope", ask({ scopes: ["write", "write"] }), { scopes: ["write"] }],
    ["no subject: the own one", ask({}), { subject: "dashboard" }],
    ["the own subject", ask({ subject: "dashboard" }), { subject: "dashboard" }],
    ["a subject that fits", ask({ subject: "user:anna" }), { subject: "user:anna" }],
    ["claims that fit", ask({ claims: { team: "a", x_1: [1] } }), { claims: { team: "a", x_1: [1] } }],
    [
      "carried claims are always there",
      ask({ claims: { team: "a" } }, {}, { pod: "p" }),
      { claims: { team: "a", pod: "p" } },
    ],
    [
      "a child: the parent's first audience, scopes and claims",
      below({}, { claims: { pod: "p" } }),
      { subject: "agent-1", audiences: ["files"], scopes: ["read", "write"], claims: { pod: "p" } },
    ],
    [
      "a child: less than its parent",
      below({ audiences: ["api"], scopes: ["read"] }),
      { audiences: ["api"], scopes: ["read"] },
    ],
  ])("%s", (_what, answer, expected) => expect(answer).toMatchObject({ kind: "granted", ...expected }));

  test.each<[string, Granted | RefusedCaller, Pick<RefusedCaller, "error" | "check">]>([
    [
      "a grant type that is not allowed",
      ask({ grantType: "urn:ietf:params:oauth:grant-type:token-exchange" }, { grantTypes: ["client_credentials"] }),
      { error: "unauthorized_client", check: "grant-type" },
    ],
    [
      "an audience that is not allowed",
      ask({ audiences: ["api", "mail"] }),
      { error: "invalid_target", check: "asked-audience" },
    ],
    ["an audience in another case", ask({ audiences: ["API"] }), { error: "invalid_target", check: "asked-audience" }],
    [
      "an audience that the key can't sign for",
      ask({ audiences: ["unsigned"] }),
      { error: "invalid_target", check: "asked-audience" },
    ],
    [
      "a scope that is not allowed",
      ask({ scopes: ["read", "admin"] }),
      { error: "invalid_scope", check: "asked-scope" },
    ],
    [
      "a subject that does not fit",
      ask({ subject: "user:anna:root" }),
      { error: "invalid_request", check: "asked-subject" },
    ],
    [
      "a subject with a line break",
      ask({ subject: "user:a\nb" }),
      { error: "invalid_request", check: "asked-subject" },
    ],
    [
      "a subject that is too long",
      ask({ subject: `user:${"a".repeat(251)}` }),
      { error: "invalid_request", check: "asked-subject" },
    ],
    [
      "a claim that is not allowed",
      ask({ claims: { team: "a", role: "admin" } }),
      { error: "invalid_request", check: "asked-claims" },
    ],
    [
      "a carried claim",
      ask({ claims: { x_pod: "other" } }, {}, { x_pod: "p" }),
      { error: "invalid_request", check: "asked-claims" },
    ],
    ["at the end that is set", ask({}, { notAfterMs: nowMs }), { error: "unauthorized_client", check: "not-after" }],
    ["a child: another audience", below({ audiences: ["mail"] }), { error: "invalid_target", check: "asked-audience" }],
    ["a child: another scope", below({ scopes: ["admin"] }), { error: "invalid_scope", check: "asked-scope" }],
    [
      "a child: a claim of its parent",
      below({ claims: { team: "b" } }, { claims: { team: "a" } }),
      { error: "invalid_request", check: "asked-claims" },
    ],
    [
      "a child: a subject with a line break",
      below({ subject: "a\nb" }),
      { error: "invalid_request", check: "asked-subject" },
    ],
  ])("%s is refused", (_what, answer, expected) => expect(answer).toMatchObject({ kind: "refused", ...expected }));

  test.each([
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "client_id",
    "scope",
    "meta",
    "cnf",
    "act",
    "may_act",
    "acr",
    "auth_time",
  ])("the reserved claim %s can't be asked for, though any claim may", (name) => {
    const answer = ask({ claims: { [name]: "x" } }, { claims: [globOf("**")] });
    expect(answer).toMatchObject({ kind: "refused", check: "asked-claims" });
  });

  test("just before its end it is granted", () => expect(ask({}, { notAfterMs: nowMs + 1 }).kind).toBe("granted"));

  test("without the grant type refresh_token there is an access token alone", () => {
    expect(ask({ refreshTokenTtlSeconds: 60 }, { grantTypes: ["client_credentials"] })).not.toHaveProperty(
      "refreshTtl",
    );
    const { refreshTtlMs, ...parent } = parentWith();
    expect(refreshTtlMs).toBeDefined();
    expect(narrowBelow(parent, { subject: "agent-1" }, bounds)).not.toHaveProperty("refreshTtl");
  });

  test("no refusal repeats what was asked for", () => {
    const secret = "Zm9yIHRlc3RzIG9ubHk";
    const answers = [
      ask({ audiences: [secret] }),
      ask({ scopes: [secret] }),
      ask({ subject: secret }),
      ask({ claims: { [secret]: 1 } }),
    ];
    expect(JSON.stringify(answers)).not.toContain(secret);
  });
});
