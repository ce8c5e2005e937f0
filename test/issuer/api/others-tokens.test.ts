import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  ask,
  basic,
  claimsOf,
  type IssuerWorld,
  newIssuerWorld,
  specWith,
  textIn,
} from "./support/world.ts";

let world: IssuerWorld;
let tokens: Readonly<Record<Name, Answer>>;

/** Three of one client, one below the first, and one of another issuer. */
const names = ["user:7", "user:70", "tenant:user:7", "user:7/agent/a", "ext:anna"] as const;
type Name = (typeof names)[number];

beforeEach(async () => {
  world = await newIssuerWorld();
  const allow = { audiences: ["api"], subjects: ["user:*", "tenant:**"], claims: ["team"] };
  await world.allow(specWith({ client: { allow } }));
  const of = (identityId: string, authorization = basic()): Promise<Answer> =>
    ask(world, "/v1/tokens", { authorization, json: { identityId } });
  const parent = await of("user:7");
  tokens = {
    "user:7": parent,
    "user:70": await of("user:70"),
    "tenant:user:7": await of("tenant:user:7"),
    "user:7/agent/a": await ask(world, "/v1/tokens/agent", {
      authorization: bearer(parent),
      json: { agentId: "a" },
    }),
    "ext:anna": await of("ext:anna", `Bearer ${world.foreign()}`),
  };
});
afterEach(() => world[Symbol.asyncDispose]());

const bearer = (pair: Answer): string => `Bearer ${textIn(pair, "accessToken")}`;
const of = (name: Name) => ({
  ...{ access: textIn(tokens[name], "accessToken"), refresh: textIn(tokens[name], "refreshToken") },
  claims: claimsOf(textIn(tokens[name], "accessToken")),
});
const alive = async (name: Name): Promise<unknown> =>
  (await ask(world, "/v1/tokens/introspect", { method: "GET", authorization: bearer(tokens[name]) })).body["active"];

const othersOf = (name: Name): readonly Name[] => names.filter((other) => other !== name);

describe("whoever shows an access token, at what is somebody else's:", () => {
  it.each(names)("%s can't end another one, 403", async (name) => {
    const authorization = bearer(tokens[name]);
    for (const identityId of othersOf(name)) {
      const { status, body } = await ask(world, "/v1/tokens/revoke", { authorization, json: { identityId } });
      expect([identityId, status, body["code"]]).toEqual([identityId, 403, "asked-subject"]);
      expect(await alive(identityId)).toBe(true);
    }
  });

  it.each(names)("%s ends no grant and no token of another one, and is not told that there are any", async (name) => {
    const authorization = bearer(tokens[name]);
    for (const other of othersOf(name)) {
      const { claims } = of(other);
      for (const json of [{ sessionId: claims["sid"] }, { tokenId: claims["jti"] }]) {
        const answer = await ask(world, "/v1/tokens/revoke", { authorization, json });
        expect([answer.status, answer.body]).toEqual([200, { revoked: 0 }]);
      }
      expect([other, await alive(other)]).toEqual([other, true]);
    }
  });

  it.each(names)("%s sees nothing of the tokens of another one", async (name) => {
    const authorization = bearer(tokens[name]);
    for (const token of othersOf(name).flatMap((other) => [of(other).access, of(other).refresh])) {
      const answer = await ask(world, "/v1/tokens/introspect", { authorization, json: { token } });
      expect([answer.status, answer.body]).toEqual([200, { active: false }]);
    }
  });

  it.each(names)("%s begins nothing for another one", async (name) => {
    const authorization = bearer(tokens[name]);
    const before = await world.store.count(world.nowMs);
    const asked = othersOf(name).flatMap<readonly [string, object]>((identityId) => [
      ["/v1/tokens", { identityId }],
      ["/v1/tokens/agent", { agentId: "x", identityId }],
      ["/v1/tokens/agent", { agentId: "x", claims: { sub: identityId } }],
      ["/v1/tokens/path", { paths: ["/x"], claims: { sub: identityId } }],
      ["/v1/tokens/workspace-path", { workspaceId: "w", paths: ["/x"], claims: { sid: of(identityId).claims["sid"] } }],
    ]);
    for (const [url, json] of asked) {
      const { status } = await ask(world, url, { authorization, json });
      expect([url, status >= 400 && status < 500]).toEqual([url, true]);
    }
    expect(await world.store.count(world.nowMs)).toBe(before);
  });

  it.each(names)("%s gets below itself what is below itself alone", async (name) => {
    const child = await ask(world, "/v1/tokens/agent", {
      authorization: bearer(tokens[name]),
      json: { agentId: name === "user:7/agent/a" ? "a" : "../user:7/agent/a" },
    });
    expect(String(claimsOf(textIn(child, "accessToken"))["sub"])).toMatch(new RegExp(`^${name}/agent/`));
  });
});

describe("whoever shows an access token, at what is his own:", () => {
  it.each(names)("%s sees and ends it", async (name) => {
    const authorization = bearer(tokens[name]);
    const looked = await ask(world, "/v1/tokens/introspect", { authorization, json: { token: of(name).access } });
    expect(looked.body).toMatchObject({ active: true, sub: name });
    const ended = await ask(world, "/v1/tokens/revoke", { authorization, json: { identityId: name } });
    expect(ended.status).toBe(200);
    expect(await alive(name)).toBe(false);
    const stay = othersOf(name).filter((other) => !other.startsWith(`${name}/`));
    expect(await Promise.all(stay.map(alive))).toEqual(stay.map(() => true));
  });
});
