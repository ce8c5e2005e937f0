import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  ask,
  basic,
  claimsOf,
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

const begin = (identityId = "user:7"): Promise<Answer> =>
  ask(world, "/v1/tokens", { authorization: basic(), json: { identityId } });
const bearer = (answer: Answer): string => `Bearer ${textIn(answer, "accessToken")}`;
const revocations = async (): Promise<readonly unknown[]> => (await world.store.revocations(world.nowMs)).revocations;

describe("revoking a token by its id", () => {
  const byId = (authorization: string, tokenId: unknown): Promise<Answer> =>
    ask(world, "/v1/tokens/revoke", { authorization, json: { tokenId } });

  it("is for whoever it is of, and for its client", async () => {
    const [one, two, stranger] = [await begin(), await begin(), await begin("user:8")];
    const [own, other] = [one, two].map((answer) => claimsOf(textIn(answer, "accessToken"))["jti"]);
    for (const authorization of [bearer(stranger), basic("other"), `Bearer ${world.foreign()}`]) {
      expect((await byId(authorization, own)).status).toBe(200);
    }
    expect(await revocations()).toEqual([]);
    await byId(bearer(one), own);
    expect(await revocations()).toMatchObject([{ kind: "token", value: own }]);
    await byId(basic(), other);
    expect(await revocations()).toMatchObject([{ value: own }, { value: other }]);
  });

  it.each(["made-up", "\ud800", "\u0000", "x".repeat(255)])("%j, which nobody gave out, writes nothing", async (id) => {
    const pair = await begin();
    const { sid } = claimsOf(textIn(pair, "accessToken"));
    for (const made of [id, `${String(sid)}.${id}`.slice(0, 255)]) {
      expect((await byId(bearer(pair), made)).status).toBe(200);
    }
    expect(await revocations()).toEqual([]);
  });
});

it("revoking an identity with a name that nobody can have is no error of the server", async () => {
  const answer = await ask(world, "/v1/tokens/revoke", { authorization: basic(), json: { identityId: "user:\u0000" } });
  expect(answer.status).toBe(403);
});

it("a client revokes the access tokens of all its grants, also of those below", async () => {
  const child = await ask(world, "/v1/tokens/agent", { authorization: bearer(await begin()), json: { agentId: "a" } });
  await ask(world, "/oauth2/revoke", { authorization: basic(), form: { token: textIn(child, "accessToken") } });
  const { jti } = claimsOf(textIn(child, "accessToken"));
  expect(await revocations()).toMatchObject([{ kind: "token", value: jti }]);
});

it("a subject signs in again from the next second on: no token is given out that is dead", async () => {
  await world.allow(specWith({ client: { allow: { audiences: ["api"], subjects: ["user:**"] } } }));
  world.nowMs += 400;
  const parent = await begin();
  await ask(world, "/v1/tokens/revoke", { authorization: basic(), json: { identityId: "user:7" } });
  await ask(world, "/v1/tokens/revoke", { authorization: basic(), json: { identityId: "user:8/agent/a" } });
  const below = async (above: Answer): Promise<Answer> =>
    ask(world, "/v1/tokens/agent", { authorization: bearer(above), json: { agentId: "a" } });
  const other = await begin("user:8");
  world.nowMs += 599;
  for (const { status, body, headers } of [await begin(), await below(other)]) {
    expect([status, body["code"], headers["retry-after"]]).toEqual([503, "JustRevoked", "1"]);
  }
  expect(await world.store.count(world.nowMs)).toBe(1);
  world.nowMs += 1;
  for (const answer of [await begin(), await below(other)]) {
    const looked = await ask(world, "/v1/tokens/introspect", { method: "GET", authorization: bearer(answer) });
    expect(looked.body["active"]).toBe(true);
  }
  expect((await below(parent)).status).toBe(401);
});

it("what is revoked is known here at once, and for as long as some clock may take the token for good", async () => {
  const pair = await begin();
  const token = textIn(pair, "accessToken");
  await ask(world, "/oauth2/revoke", { authorization: basic(), form: { token } });
  const introspect = async (): Promise<unknown> =>
    (await ask(world, "/v1/tokens/introspect", { authorization: basic(), json: { token } })).body;
  expect(await introspect()).toEqual({ active: false });
  const endMs = Date.parse(textIn(pair, "accessTokenExpiresAt"));
  expect(await world.store.revocations(endMs + 60_000)).toMatchObject({ revocations: [{ kind: "token" }] });
});

describe("what another process has revoked, of which this one was told nothing yet,", () => {
  it.each([
    ["a token", (jti: string) => world.store.revokeToken(jti, { nowMs: world.nowMs, endsAtMs: world.nowMs + hourMs })],
    [
      "a subject",
      () =>
        world.store.revoke(
          { kind: "subject", subject: "dashboard" },
          { nowMs: world.nowMs, tokensEndAtMs: world.nowMs + hourMs },
        ),
    ],
  ])("is dead here: %s", async (_, revoke) => {
    const allow = { audiences: ["api"], grantTypes: ["client_credentials"] };
    await world.allow(specWith({ client: { allow } }));
    const alone = await ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "dashboard" } });
    expect(alone.body["refreshToken"]).toBeUndefined();
    await world.allow(specWith());
    const pair = await ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "dashboard" } });
    for (const answer of [alone, pair]) {
      await revoke(String(claimsOf(textIn(answer, "accessToken"))["jti"]));
      const authorization = bearer(answer);
      const looked = await ask(world, "/v1/tokens/introspect", { method: "GET", authorization });
      expect(looked.body).toEqual({ active: false });
      const child = await ask(world, "/v1/tokens/agent", { authorization, json: { agentId: "a" } });
      expect([child.status, child.body["code"]]).toEqual([401, "access-token"]);
    }
  });
});

describe("while nobody can sign", () => {
  it("tokens are looked at and revoked all the same", async () => {
    const pair = await begin();
    const token = textIn(pair, "accessToken");
    world.isMute = true;
    for (const sent of [{ json: { token } }, { json: { token: textIn(pair, "refreshToken") } }]) {
      const { status, body } = await ask(world, "/v1/tokens/introspect", { authorization: basic(), ...sent });
      expect([status, body]).toMatchObject([200, { active: true, iss: claimsOf(token)["iss"] }]);
    }
    const done = await ask(world, "/v1/tokens/revoke", { authorization: bearer(pair), json: { identityId: "user:7" } });
    expect([done.status, done.body]).toEqual([200, { revoked: 1 }]);
    const again = await ask(world, "/oauth2/introspect", { authorization: basic(), form: { token } });
    expect(again.body).toEqual({ active: false });
  });
});

describe("before there is a ring", () => {
  it.each([
    ["/v1/tokens/introspect", { json: "token" }],
    ["/oauth2/introspect", { form: "token" }],
    ["/oauth2/revoke", { form: "token" }],
  ])("%s says that a retry helps, not that the token is dead, nor that it is revoked", async (url, how) => {
    const token = textIn(await begin(), "accessToken");
    world.isEmpty = true;
    const sent = "json" in how ? { json: { token } } : { form: { token } };
    const answer = await ask(world, url, { authorization: basic(), ...sent });
    expect([answer.status, answer.body["code"]]).toEqual([503, "NotReady"]);
  });

  it("our own bearer is no stranger", async () => {
    const pair = await begin();
    world.isEmpty = true;
    const answer = await ask(world, "/v1/tokens/revoke", {
      authorization: bearer(pair),
      json: { identityId: "user:7" },
    });
    expect([answer.status, answer.body["code"]]).toEqual([503, "NotReady"]);
  });
});

it("a refresh token in the place of an access token is dead", async () => {
  const authorization = `Bearer ${textIn(await begin(), "refreshToken")}`;
  const answer = await ask(world, "/v1/tokens/introspect", { method: "GET", authorization });
  expect(answer.body).toEqual({ active: false });
});
