import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, ask, basic, type IssuerWorld, newIssuerWorld, specWith, textIn } from "./support/world.ts";

let world: IssuerWorld;
beforeEach(async () => {
  world = await newIssuerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("GET /v1/revocations", () => {
  const watch = (authorization: string) => ask(world, "/v1/revocations", { method: "GET", authorization });

  it("is for whoever may watch them, and for nobody else", async () => {
    for (const authorization of [basic(), basic("other"), `Bearer ${world.foreign()}`]) {
      const answer = await watch(authorization);
      expect([answer.status, answer.body["error"], answer.body["code"]]).toEqual([
        403,
        "unauthorized_client",
        "right-missing",
      ]);
    }
    await world.allow(specWith({ client: { allow: { audiences: ["api"], watchRevocations: true } } }));
    expect((await watch(basic())).body).toEqual({ seq: expect.any(Number) as unknown, revocations: [] });
  });
});

describe("a client without a grant type", () => {
  it("gets no token", async () => {
    await world.allow(specWith({ client: { allow: { audiences: ["api"], grantTypes: [] } } }));
    const form = { grant_type: "client_credentials" };
    const answer = await ask(world, "/oauth2/token", { authorization: basic(), form });
    expect([answer.status, answer.body["error"]]).toEqual([400, "unauthorized_client"]);
  });
});

describe("introspection", () => {
  const allow = { audiences: ["api", "admin"], subjects: ["user:*"] };
  const looking = (audiences: readonly string[]) => ({ audiences, introspect: true });
  const setUp = (other: object): Promise<void> => {
    const { clients, ...rest } = specWith({ client: { allow } });
    const [first, second] = clients;
    return world.allow({ ...rest, clients: [first, { ...second, allow: other }] });
  };
  const begin = (json: object = {}): Promise<Answer> =>
    ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7", ...json } });
  const isActive = async (authorization: string, token: string): Promise<readonly unknown[]> => [
    (await ask(world, "/oauth2/introspect", { authorization, form: { token } })).body["active"],
    (await ask(world, "/v1/tokens/introspect", { authorization, json: { token } })).body["active"],
  ];
  const [yes, no] = [
    [true, true],
    [false, false],
  ];

  it("is of his own tokens alone for whoever has no right, and tells a stranger nothing", async () => {
    await setUp({ audiences: ["api", "admin"], subjects: ["user:*"] });
    const pair = await begin();
    for (const token of [textIn(pair, "accessToken"), textIn(pair, "refreshToken")]) {
      expect(await isActive(basic(), token)).toEqual(yes);
      expect(await isActive(basic("other"), token)).toEqual(no);
      expect(await isActive(`Bearer ${world.foreign()}`, token)).toEqual(no);
    }
    const json = { token: textIn(pair, "accessToken") };
    const stranger = await ask(world, "/v1/tokens/introspect", { authorization: basic("other"), json });
    expect([stranger.status, stranger.body]).toEqual([200, { active: false }]);
  });

  it("with the right is of access tokens for one's audiences, and of no refresh token", async () => {
    const pairs = await Promise.all([
      begin({ audience: ["api"] }),
      begin({ audience: ["admin"] }),
      begin({ audience: ["admin", "api"] }),
    ]);
    await setUp(looking(["api"]));
    const asked = await Promise.all(pairs.map((pair) => isActive(basic("other"), textIn(pair, "accessToken"))));
    expect(asked).toEqual([yes, no, yes]);
    for (const pair of pairs) expect(await isActive(basic("other"), textIn(pair, "refreshToken"))).toEqual(no);
  });

  it("is of tokens of his own subject for a bearer", async () => {
    const [one, two, stranger] = [await begin(), await begin(), await begin({ identityId: "user:8" })];
    const authorization = `Bearer ${textIn(one, "accessToken")}`;
    for (const [pair, isHis] of [
      [two, true],
      [stranger, false],
    ] as const) {
      const json = { token: textIn(pair, "refreshToken") };
      expect((await ask(world, "/v1/tokens/introspect", { authorization, json })).body["active"]).toBe(isHis);
    }
  });

  it("is of an access token without a grant, too", async () => {
    const grantTypes = ["client_credentials"];
    await world.allow(specWith({ client: { allow: { audiences: ["api"], subjects: ["user:*"], grantTypes } } }));
    const alone = await begin();
    expect(alone.body).not.toHaveProperty("refreshToken");
    expect(await isActive(basic(), textIn(alone, "accessToken"))).toEqual(yes);
    expect(await isActive(basic("other"), textIn(alone, "accessToken"))).toEqual(no);
  });
});
