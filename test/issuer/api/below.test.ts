import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatRefreshToken, parseRefreshToken } from "../../../src/grants/refresh-token.ts";
import type { Signing } from "../../../src/issuer/tokens/issuer-parts.ts";
import { ruleWith } from "../support/token-issuers.ts";
import {
  type Answer,
  ask,
  basic,
  claimsOf,
  dayMs,
  hourMs,
  type IssuerWorld,
  newIssuerWorld,
  specWith,
  textIn,
} from "./support/world.ts";

let world: IssuerWorld;
beforeEach(async () => {
  world = await newIssuerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const begin = (json: object = {}): Promise<Answer> =>
  ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7", ...json } });
const below = (parent: Answer, kind: string, json: object): Promise<Answer> =>
  ask(world, `/v1/tokens/${kind}`, { authorization: `Bearer ${textIn(parent, "accessToken")}`, json });
const subjectIn = (answer: Answer): unknown => claimsOf(textIn(answer, "accessToken"))["sub"];

describe("a token below another one", () => {
  it.each([
    ["path", { paths: ["/x", "/y"] }, "path", { paths: ["/"] }],
    ["path", { paths: ["/x", "/y"] }, "path", { paths: ["/x", "/z"] }],
    ["path", { paths: ["/x"] }, "workspace-path", { workspaceId: "w", paths: ["/y"] }],
    ["workspace-path", { workspaceId: "w", paths: ["/x"] }, "workspace-path", { workspaceId: "v", paths: ["/x"] }],
    ["workspace-path", { workspaceId: "w", paths: ["/x"] }, "path", { paths: ["/y"] }],
    ["agent", { agentId: "a" }, "agent", { agentId: "b" }],
    ["agent", { agentId: "a", agentName: "A" }, "agent", { agentId: "a", agentName: "B" }],
  ])("of %s %j gets no %s %j", async (...[kind, json, kindBelow, jsonBelow]) => {
    const parent = await below(await begin(), kind, json);
    expect(parent.status).toBe(200);
    const before = await world.store.count(world.nowMs);
    const child = await below(parent, kindBelow, jsonBelow);
    expect([child.status, child.body["code"]]).toEqual([400, "asked-claims"]);
    expect(await world.store.count(world.nowMs)).toBe(before);
  });

  it("may have some of the paths alone, and what lies below them", async () => {
    const parent = await below(await begin(), "path", { paths: ["/x", "/y"] });
    for (const paths of [["/y"], ["/y/a", "/y/b/c"]]) {
      const child = await below(parent, "path", { paths });
      expect(claimsOf(textIn(child, "accessToken"))["paths"]).toEqual(paths);
    }
    for (const path of ["/xy", "/x/../z", "/x/%2e%2e/z", "/x//z"]) {
      const child = await below(parent, "path", { paths: ["/y", path] });
      expect([child.status, child.body["code"]]).toEqual([400, "asked-claims"]);
    }
  });

  it("has a subject that nobody else may ask for", async () => {
    await world.allow(specWith({ client: { allow: { audiences: ["api"], subjects: ["**"] } } }));
    for (const identityId of ["user:7/agent/a", "user:7/path", "user:7/workspace/w%2Fx", "user:7/agent/a/path"]) {
      const answer = await begin({ identityId });
      expect([answer.status, answer.body["code"]]).toEqual([400, "asked-subject"]);
    }
    expect((await begin({ identityId: "user:7/agents" })).status).toBe(200);
  });

  it("has a subject that no foreign token gets, either", async () => {
    const answer = await ask(world, "/v1/tokens", {
      authorization: `Bearer ${world.foreign({ sub: "anna/agent/a" })}`,
      json: { identityId: "ext:anna/agent/a" },
    });
    expect([answer.status, answer.body["code"]]).toEqual([400, "template"]);
  });

  it("never has the subject of one further below", async () => {
    const parent = await begin();
    const further = await below(await below(parent, "agent", { agentId: "a" }), "path", { paths: ["/x"] });
    expect(subjectIn(further)).toBe("user:7/agent/a/path");
    expect(subjectIn(await below(parent, "agent", { agentId: "a/path" }))).toBe("user:7/agent/a%2Fpath");
    expect(subjectIn(await below(parent, "agent", { agentId: "a%2Fpath" }))).toBe("user:7/agent/a%252Fpath");
  });

  it.each(["agent_id", "agent_name", "workspace_id", "paths"])("nobody asks for the claim %s", async (claim) => {
    await world.allow(specWith({ client: { allow: { audiences: ["api"], subjects: ["user:*"], claims: ["**"] } } }));
    const parent = await begin();
    for (const answer of [
      await begin({ claims: { [claim]: "x" } }),
      await below(parent, "path", { paths: ["/x"], claims: { [claim]: "x" } }),
    ]) {
      expect([answer.status, answer.body["code"]]).toEqual([400, "asked-claims"]);
    }
  });

  it("has no claim that another rule of its issuer alone allows", async () => {
    const allow = { audiences: ["api"], claims: ["team"] };
    const rules = [
      ruleWith({ name: "anna", match: { sub: "anna" }, allow }),
      ruleWith({ name: "chiefs", match: { sub: "chief" }, allow: { ...allow, claims: ["role", "team"] } }),
    ];
    await world.allow(specWith({ trust: { rules } }));
    const authorization = `Bearer ${world.foreign()}`;
    const parent = await ask(world, "/v1/tokens", { authorization, json: { identityId: "ext:anna" } });
    const child = await below(parent, "agent", { agentId: "a", claims: { role: "chief" } });
    expect([child.status, child.body["code"]]).toEqual([400, "asked-claims"]);
    expect((await below(parent, "agent", { agentId: "a", claims: { team: "x" } })).status).toBe(200);
  });

  it("is not given for a grant that has run out, though its access token lives", async () => {
    const parent = await begin({ refreshTokenTtlSeconds: 60 });
    world.nowMs += 61_000;
    const child = await below(parent, "agent", { agentId: "a" });
    expect([child.status, child.body["code"]]).toEqual([401, "access-token"]);
  });

  it("lives no longer than its client may have it now", async () => {
    const allow = { audiences: ["api"], subjects: ["user:*"] };
    await world.allow(specWith({ client: { allow } }));
    const parent = await begin({ refreshTokenTtlSeconds: 30 * 86_400 });
    await world.allow(specWith({ client: { allow: { ...allow, maxRefreshTTL: "48h", maxAccessTTL: "1m" } } }));
    const child = await below(parent, "agent", { agentId: "a", refreshTokenTtlSeconds: 30 * 86_400 });
    expect(Date.parse(textIn(child, "refreshTokenExpiresAt")) - world.nowMs).toBe(2 * dayMs);
    expect(Date.parse(textIn(child, "accessTokenExpiresAt")) - world.nowMs).toBe(60_000);
  });

  it("too large to be signed leaves no grant behind", async () => {
    const parent = await begin();
    const before = await world.store.count(world.nowMs);
    const paths = Array.from({ length: 64 }, (_, n) => `/${String(n).padStart(200, "x")}`);
    const child = await below(parent, "path", { paths });
    expect([child.status, child.body["code"]]).toEqual([400, "asked-claims"]);
    expect(await world.store.count(world.nowMs)).toBe(before);
  });
});

describe("the end of a grant below another one", () => {
  const day = 86_400;
  const refreshEnd = (answer: Answer): number => Date.parse(textIn(answer, "refreshTokenExpiresAt")) - world.nowMs;
  const renew = (answer: Answer): Promise<Answer> =>
    ask(world, "/v1/tokens/refresh", { json: { refreshToken: textIn(answer, "refreshToken") } });

  it("is never later than its parent's, and moves with it", async () => {
    let parent = await begin({ refreshTokenTtlSeconds: 2 * day });
    world.nowMs += dayMs;
    // Its access token has run out; the grant has not
    parent = await renew(parent);
    world.nowMs += hourMs / 2;
    let child = await below(parent, "agent", { agentId: "a", refreshTokenTtlSeconds: 2 * day });
    expect(refreshEnd(child)).toBe(2 * dayMs - hourMs / 2);
    world.nowMs += dayMs;
    child = await renew(child);
    expect(refreshEnd(child)).toBe(dayMs - hourMs / 2);
    await renew(parent);
    expect(refreshEnd(await renew(child))).toBe(2 * dayMs);
  });

  it("has come when its parent can't be renewed any more", async () => {
    const parent = await begin({ refreshTokenTtlSeconds: day });
    const child = await below(parent, "agent", { agentId: "a", refreshTokenTtlSeconds: day });
    // A cap that is lowered moves the parent's end back, and leaves the child's where it was
    const maxRefreshTTL = "1h";
    await world.allow(specWith({ spec: { maxRefreshTTL } }));
    await renew(parent);
    world.nowMs += hourMs;
    const late = await renew(child);
    expect([late.status, late.body["error"], late.body["code"]]).toEqual([400, "invalid_grant", "parent-ended"]);
    const json = { token: textIn(child, "refreshToken") };
    const { body } = await ask(world, "/v1/tokens/introspect", { authorization: basic(), json });
    expect(body).toEqual({ active: false });
  });
});

describe("an access token that a gateway with the same keys has made", () => {
  it.each(["id.of.its.own", `${"A".repeat(22)}.x`])("is of no grant, whatever it says: %s", async (idPrefix) => {
    const { sid } = claimsOf(textIn(await begin(), "accessToken"));
    const { token } = newMint()({ subject: "user:7", audience: "api", type: "at+jwt", claims: { sid }, idPrefix });
    const authorization = `Bearer ${token}`;
    for (const [kind, json] of [
      ["agent", { agentId: "a" }],
      ["revoke", { sessionId: sid }],
    ] as const) {
      const answer = await ask(world, `/v1/tokens/${kind}`, { authorization, json });
      expect([answer.status, answer.body["error"]]).toEqual([401, "invalid_token"]);
    }
    expect((await ask(world, "/v1/tokens/introspect", { method: "GET", authorization })).body).toEqual({
      active: false,
    });
    expect(await world.store.count(world.nowMs)).toBe(1);
  });

  function newMint(): Signing["mint"] {
    const signing = world.parts.signing();
    if (signing === undefined) throw new Error("no key signs");
    return (request) => signing.mint(request);
  }
});

describe("an access token that is for another server", () => {
  const issuer = "https://issuer.example";
  const allow = { audiences: ["api", issuer], subjects: ["user:*"] };
  beforeEach(() => world.allow(specWith({ client: { allow }, spec: { ownAudiences: null } })));

  it.each([
    ["agent", { agentId: "a" }],
    ["path", { paths: ["/x"] }],
    ["workspace-path", { workspaceId: "w", paths: ["/x"] }],
    ["revoke", { identityId: "user:7" }],
    ["introspect", { token: "x" }],
  ])("does nothing at /v1/tokens/%s", async (kind, json) => {
    const parent = await begin({ audience: ["api"] });
    const answer = await below(parent, kind, json);
    expect([answer.status, answer.body["error"], answer.body["code"]]).toEqual([401, "invalid_token", "audience"]);
    expect(await world.store.count(world.nowMs)).toBe(1);
    for (const audience of [[issuer], ["api", issuer]]) {
      // What was revoked of a subject is what it had until then
      world.nowMs += 1000;
      expect((await below(await begin({ audience }), kind, json)).status).toBe(200);
    }
  });

  it("is good where the file names its audience", async () => {
    const parent = await begin({ audience: ["api"] });
    await world.allow(specWith({ client: { allow }, spec: { ownAudiences: ["other", "api"] } }));
    expect((await below(parent, "agent", { agentId: "a" })).status).toBe(200);
  });

  it("is told to its bearer all the same", async () => {
    const authorization = `Bearer ${textIn(await begin({ audience: ["api"] }), "accessToken")}`;
    const { body } = await ask(world, "/v1/tokens/introspect", { method: "GET", authorization });
    expect(body).toMatchObject({ active: true, sub: "user:7", aud: "api" });
  });
});

describe("a grant of another issuer's token", () => {
  it("is called by the name of its trust, as no client may be", async () => {
    const { body } = await ask(world, "/v1/tokens", {
      authorization: `Bearer ${world.foreign()}`,
      json: { identityId: "ext:anna" },
    });
    expect(claimsOf(textIn({ body }, "accessToken"))).toMatchObject({ sub: "ext:anna", client_id: "trust:partner" });
  });

  it("is nobody's else who comes by the same trust", async () => {
    const of = (sub: string) => `Bearer ${world.foreign({ sub })}`;
    const anna = await ask(world, "/v1/tokens", { authorization: of("anna"), json: { identityId: "ext:anna" } });
    const token = textIn(anna, "refreshToken");
    const isActive = async (authorization: string): Promise<unknown> =>
      (await ask(world, "/v1/tokens/introspect", { authorization, json: { token } })).body["active"];
    await ask(world, "/oauth2/revoke", { authorization: of("berta"), form: { token } });
    expect([await isActive(of("berta")), await isActive(of("anna"))]).toEqual([false, true]);
    await ask(world, "/oauth2/revoke", { authorization: of("anna"), form: { token } });
    expect(await isActive(of("anna"))).toBe(false);
  });

  it("is not a client's that has the name of its subject", async () => {
    await world.allow(specWith({ trust: { rules: [ruleWith({ subject: "{sub}" })] }, client: { subject: "svc" } }));
    const foreign = await ask(world, "/v1/tokens", {
      authorization: `Bearer ${world.foreign({ sub: "dashboard" })}`,
      json: { identityId: "dashboard" },
    });
    const { sid } = claimsOf(textIn(foreign, "accessToken"));
    const done = await ask(world, "/v1/tokens/revoke", { authorization: basic(), json: { sessionId: sid } });
    expect(done.body).toEqual({ revoked: 0 });
    expect(
      (await ask(world, "/v1/tokens/refresh", { json: { refreshToken: textIn(foreign, "refreshToken") } })).status,
    ).toBe(200);
  });
});

describe("a renewal's proof", () => {
  const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  const pairOfAnna = (): Promise<Answer> =>
    ask(world, "/oauth2/token", { form: { grant_type: jwtBearer, assertion: world.foreign() } });
  const renewWith = (refresh_token: string, more: Record<string, string>): Promise<Answer> =>
    ask(world, "/oauth2/token", { form: { grant_type: "refresh_token", refresh_token, ...more } });

  it("that is no good says nothing of the refresh token, which stays good", async () => {
    const first = textIn(await pairOfAnna(), "refresh_token");
    const answer = await renewWith(first, { assertion: world.foreign({ exp: 1 }) });
    expect([answer.status, answer.body["error"], answer.body["code"]]).toEqual([401, "invalid_client", "expiry"]);
    expect((await renewWith(first, {})).status).toBe(200);
  });

  it("of somebody else is refused, and ends nothing", async () => {
    const first = textIn(await pairOfAnna(), "refresh_token");
    const second = textIn(await renewWith(first, {}), "refresh_token");
    world.nowMs += hourMs;
    for (const token of [first, second]) {
      const answer = await renewWith(token, { assertion: world.foreign({ sub: "berta" }) });
      expect([answer.status, answer.body["error"], answer.body["code"]]).toEqual([400, "invalid_grant", "client"]);
    }
    expect((await renewWith(second, {})).status).toBe(200);
  });

  it("tells whoever made his token up nothing of the grant: not its client, not its scopes, nor that it is there", async () => {
    const token = textIn(await pairOfAnna(), "refresh_token");
    const parsed = parseRefreshToken(token);
    if (parsed === undefined) throw new Error("it is no refresh token");
    const madeUp = formatRefreshToken({ ...parsed, secret: new Uint8Array(32) });
    const nobodys = formatRefreshToken({ ...parsed, grantId: new Uint8Array(16) });
    for (const more of [{}, { scope: "admin" }, { assertion: world.foreign({ sub: "berta" }) }]) {
      const answers = [await renewWith(madeUp, more), await renewWith(nobodys, more)];
      expect(answers.map(({ status, body }) => [status, body["code"]])).toEqual([
        [400, "unknown"],
        [400, "unknown"],
      ]);
    }
    expect((await renewWith(token, {})).status).toBe(200);
  });

  it.each([
    ["an assertion", { grant_type: jwtBearer }, "assertion"],
    [
      "a token to exchange",
      {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      },
      "subject_token",
    ],
  ])("%s does not make up for a wrong secret beside it", async (_, form, name) => {
    const sent = { form: { ...form, [name]: world.foreign() }, authorization: basic("dashboard", "wrong") };
    expect((await ask(world, "/oauth2/token", sent)).status).toBe(401);
    expect((await ask(world, "/oauth2/token", { ...sent, authorization: basic() })).status).toBe(200);
  });
});
