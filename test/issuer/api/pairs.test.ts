import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const jwtType = "urn:ietf:params:oauth:token-type:jwt";

type Ttl = string | number | undefined;

/** Every endpoint that gives out a pair, each asked for it with this TTL. */
const issuing: Readonly<Record<string, (ttl: Ttl) => Promise<Answer>>> = {
  "POST /oauth2/token client_credentials": (ttl) =>
    ask(world, "/oauth2/token", {
      authorization: basic(),
      form: { grant_type: "client_credentials", ...formTtl(ttl) },
    }),
  "POST /oauth2/token jwt-bearer": (ttl) =>
    ask(world, "/oauth2/token", { form: { grant_type: jwtBearer, assertion: world.foreign(), ...formTtl(ttl) } }),
  "POST /oauth2/token token-exchange": (ttl) =>
    ask(world, "/oauth2/token", {
      form: { grant_type: exchange, subject_token: world.foreign(), subject_token_type: jwtType, ...formTtl(ttl) },
    }),
  "POST /v1/tokens": (ttl) =>
    ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7", refreshTokenTtlSeconds: ttl } }),
  "POST /v1/tokens/agent": (ttl) => below("/v1/tokens/agent", { agentId: "a-1", refreshTokenTtlSeconds: ttl }),
  "POST /v1/tokens/path": (ttl) => below("/v1/tokens/path", { paths: ["/x"], refreshTokenTtlSeconds: ttl }),
  "POST /v1/tokens/workspace-path": (ttl) =>
    below("/v1/tokens/workspace-path", { workspaceId: "w", paths: ["/x"], refreshTokenTtlSeconds: ttl }),
};

const formTtl = (ttl: Ttl): Record<string, string> =>
  ttl === undefined ? {} : { refreshTokenTtlSeconds: String(ttl) };

/** Below a grant of the longest life. */
async function below(url: string, json: object): Promise<Answer> {
  const identityId = "user:7";
  const parent = await ask(world, "/v1/tokens", {
    authorization: basic(),
    json: { identityId, refreshTokenTtlSeconds: 90 * 86_400 },
  });
  return ask(world, url, { authorization: `Bearer ${textIn(parent, "accessToken")}`, json });
}

const refreshIn = (answer: Answer): string =>
  textIn(answer, "refreshToken" in answer.body ? "refreshToken" : "refresh_token");

/** When the refresh token ends, from now, by what the answer says of it. */
function refreshLifeMs({ body }: Answer): number {
  const seconds = body["refresh_token_expires_in"];
  return typeof seconds === "number" ? seconds * 1000 : Date.parse(String(body["refreshTokenExpiresAt"])) - world.nowMs;
}

const renew = (refreshToken: string): Promise<Answer> => ask(world, "/v1/tokens/refresh", { json: { refreshToken } });

describe.each(Object.entries(issuing))("%s", (_, issue) => {
  it("gives out a pair whose instants are true", async () => {
    const answer = await issue(undefined);
    expect(answer.status).toBe(200);
    const access = textIn(answer, "accessToken" in answer.body ? "accessToken" : "access_token");
    const claims = claimsOf(access);
    const saysMs =
      "expires_in" in answer.body
        ? world.nowMs + Number(answer.body["expires_in"]) * 1000
        : Date.parse(textIn(answer, "accessTokenExpiresAt"));
    expect(saysMs).toBe(Number(claims["exp"]) * 1000);
    expect(claims["sid"]).toMatch(/^[\w-]{22}$/);
    expect(refreshLifeMs(answer)).toBe(dayMs);
    expect(answer.headers["cache-control"]).toBe("no-store");
    const json = { token: refreshIn(answer) };
    const bodies = await Promise.all(
      [basic(), `Bearer ${world.foreign()}`].map(
        async (authorization) => (await ask(world, "/v1/tokens/introspect", { authorization, json })).body,
      ),
    );
    // Of two callers it is one's own
    const [body] = bodies.filter(({ active }) => active);
    expect(bodies).toContainEqual({ active: false });
    expect(body).toMatchObject({ active: true, sub: claims["sub"], exp: (world.nowMs + dayMs) / 1000 });
  });

  it.each([
    [undefined, dayMs, undefined],
    [86_400, dayMs, "86400"],
    [2_592_000, 30 * dayMs, "2592000"],
    ["2592000", 30 * dayMs, "2592000"],
    [365 * 86_400, 90 * dayMs, "31536000"],
    [0, dayMs, undefined],
    ["x", dayMs, undefined],
    ["0060", 60_000, "60"],
    ["9".repeat(300), 90 * dayMs, String(Number.MAX_SAFE_INTEGER)],
  ])("with refreshTokenTtlSeconds %j", async (ttl, lifeMs, asked) => {
    const answer = await issue(ttl);
    expect(refreshLifeMs(answer)).toBe(lifeMs);
    const claims = claimsOf(textIn(answer, "accessToken" in answer.body ? "accessToken" : "access_token"));
    expect(claims["meta"]).toEqual(asked === undefined ? undefined : { refreshTokenTtl: asked });
  });

  it("gives a pair that renews, of the same grant, with the same TTL each time", async () => {
    let answer = await issue(7200);
    const { sid } = claimsOf(textIn(answer, "accessToken" in answer.body ? "accessToken" : "access_token"));
    for (let n = 0; n < 5; n++) {
      world.nowMs += hourMs;
      answer = await renew(refreshIn(answer));
      expect([answer.status, refreshLifeMs(answer)]).toEqual([200, 2 * hourMs]);
      expect(claimsOf(textIn(answer, "accessToken"))["sid"]).toBe(sid);
    }
  });
});

describe("a renewal", () => {
  const begin = (): Promise<Answer> =>
    ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7" } });

  it("is answered with the same successor within the retry window, and with no other", async () => {
    const first = refreshIn(await begin());
    const lost = refreshIn(await renew(first));
    world.nowMs += 29_000;
    expect(refreshIn(await renew(first))).toBe(lost);
    expect((await renew(lost)).status).toBe(200);
  });

  it("of 20 at once gives one successor, and no error", async () => {
    const first = refreshIn(await begin());
    const answers = await Promise.all(Array.from({ length: 20 }, () => renew(first)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(refreshIn)).size).toBe(1);
  });

  it("with an old token ends the grant for both, and the audit names it", async () => {
    const answer = await begin();
    const first = refreshIn(answer);
    const second = refreshIn(await renew(first));
    world.nowMs += 31_000;
    const reuse = await renew(first);
    expect([reuse.status, reuse.body]).toMatchObject([400, { error: "invalid_grant", code: "reused" }]);
    expect((await renew(second)).body["code"]).toBe("reused");
    const { sid } = claimsOf(textIn(answer, "accessToken"));
    expect(world.heard).toContainEqual(expect.objectContaining({ event: "grant.reuse", sid, ended: [sid] }));
    expect((await world.store.revocations(world.nowMs)).revocations).toMatchObject([{ kind: "grant", value: sid }]);
  });

  it("of a caller who proves himself survives a lost answer of long ago", async () => {
    const form = { grant_type: "client_credentials" };
    const first = textIn(await ask(world, "/oauth2/token", { authorization: basic(), form }), "refresh_token");
    const again = { grant_type: "refresh_token", refresh_token: first };
    await ask(world, "/oauth2/token", { authorization: basic(), form: again });
    world.nowMs += hourMs;
    const renewed = await ask(world, "/oauth2/token", { authorization: basic(), form: again });
    expect(renewed.status).toBe(200);
    const stolen = await ask(world, "/oauth2/token", { form: again });
    expect(stolen.status).toBe(400);
  });

  it("with another client's secret is refused, and the token stays good", async () => {
    const form = { grant_type: "client_credentials" };
    const first = textIn(await ask(world, "/oauth2/token", { authorization: basic(), form }), "refresh_token");
    const again = { grant_type: "refresh_token", refresh_token: first };
    const other = await ask(world, "/oauth2/token", { authorization: basic("other"), form: again });
    expect([other.status, other.body["error"]]).toEqual([400, "invalid_grant"]);
    expect((await ask(world, "/oauth2/token", { authorization: basic(), form: again })).status).toBe(200);
  });

  it("asks for no more than was granted, and keeps the token if it does", async () => {
    const form = { grant_type: "client_credentials", scope: "read" };
    const first = textIn(await ask(world, "/oauth2/token", { authorization: basic(), form }), "refresh_token");
    const again = { grant_type: "refresh_token", refresh_token: first };
    const wide = await ask(world, "/oauth2/token", { form: { ...again, scope: "read write" } });
    expect([wide.status, wide.body["error"]]).toEqual([400, "invalid_scope"]);
    const { body } = await ask(world, "/oauth2/token", { form: { ...again, scope: "read" } });
    expect(body["scope"]).toBe("read");
  });

  it("is capped anew each time by the file in force", async () => {
    const json = { identityId: "user:7", refreshTokenTtlSeconds: 30 * 86_400 };
    const first = refreshIn(await ask(world, "/v1/tokens", { authorization: basic(), json }));
    await world.allow(specWith({ spec: { maxRefreshTTL: "48h" } }));
    const capped = await renew(first);
    expect(refreshLifeMs(capped)).toBe(2 * dayMs);
    await world.allow(specWith());
    expect(refreshLifeMs(await renew(refreshIn(capped)))).toBe(30 * dayMs);
  });

  it("is refused once its client is no longer in the file, and goes on when it is back", async () => {
    const first = refreshIn(await begin());
    await world.allow(specWith({ client: { id: "somebody-else" } }));
    expect((await renew(first)).body["code"]).toBe("caller-gone");
    await world.allow(specWith());
    expect((await renew(first)).status).toBe(200);
  });

  it("leaves the old token good while the key must not sign, and begins no grant", async () => {
    const first = refreshIn(await begin());
    world.isFenced = true;
    for (const answer of [await renew(first), await begin()]) {
      expect([answer.status, answer.body["code"]]).toEqual([503, "MintFenced"]);
    }
    expect(await world.store.count(world.nowMs)).toBe(1);
    world.isFenced = false;
    world.nowMs += hourMs;
    expect((await renew(first)).status).toBe(200);
  });

  it("waits for the word that a new key signs, before anything is written", async () => {
    const first = refreshIn(await begin());
    world.isFenced = true;
    const before = await world.store.count(world.nowMs);
    world.confirmed = async () => {
      expect(await world.store.count(world.nowMs)).toBe(before);
      world.isFenced = false;
    };
    expect((await renew(first)).status).toBe(200);
    world.isFenced = true;
    expect((await begin()).status).toBe(200);
  });

  it("waits for it after the write, too: a key that changed in between costs no answer", async () => {
    const first = refreshIn(await begin());
    const write = world.store.renew.bind(world.store);
    world.store.renew = async (...renewal) => {
      const isWritten = await write(...renewal);
      world.isFenced = true;
      return isWritten;
    };
    world.confirmed = async () => void (world.isFenced = false);
    expect((await renew(first)).status).toBe(200);
  });

  it("leaves the old token good while the signing key has not its audience", async () => {
    const first = refreshIn(await begin());
    world.audiences = ["another"];
    const answer = await renew(first);
    expect([answer.status, answer.body["error"]]).toEqual([400, "invalid_target"]);
    delete world.audiences;
    world.nowMs += hourMs;
    expect((await renew(first)).status).toBe(200);
  });

  it("leaves the old token good while nobody can sign, and says that a retry helps", async () => {
    const first = refreshIn(await begin());
    world.isMute = true;
    const answer = await renew(first);
    expect([answer.status, answer.headers["retry-after"], answer.body["code"]]).toEqual([503, "1", "NoSigner"]);
    world.isMute = false;
    world.nowMs += hourMs;
    expect((await renew(first)).status).toBe(200);
  });

  it.each(["", "ktr_x", `ktr_${"A".repeat(98)}`])("with %j, which was never given out, ends nothing", async (made) => {
    const answer = await ask(world, "/oauth2/token", { form: { grant_type: "refresh_token", refresh_token: made } });
    expect(answer.status).toBe(400);
    expect(world.heard.filter(({ event }) => event === "grant.reuse")).toEqual([]);
  });
});

describe("revocation", () => {
  const begin = (): Promise<Answer> =>
    ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7" } });
  const introspect = async (token: string): Promise<unknown> =>
    (await ask(world, "/v1/tokens/introspect", { authorization: basic(), json: { token } })).body;

  it("of a parent ends its children, and theirs", async () => {
    const parent = await begin();
    const authorization = `Bearer ${textIn(parent, "accessToken")}`;
    const child = await ask(world, "/v1/tokens/agent", { authorization, json: { agentId: "a" } });
    const grandchild = await ask(world, "/v1/tokens/path", {
      authorization: `Bearer ${textIn(child, "accessToken")}`,
      json: { paths: ["/x"] },
    });
    expect(claimsOf(textIn(grandchild, "accessToken"))).toMatchObject({ sub: "user:7/agent/a/path", paths: ["/x"] });
    const { sid } = claimsOf(textIn(parent, "accessToken"));
    const done = await ask(world, "/v1/tokens/revoke", { authorization, json: { sessionId: sid } });
    expect([done.status, done.body]).toEqual([200, { revoked: 3 }]);
    for (const answer of [parent, child, grandchild]) {
      expect(await introspect(refreshIn(answer))).toEqual({ active: false });
      expect(await introspect(textIn(answer, "accessToken"))).toEqual({ active: false });
      expect((await renew(refreshIn(answer))).body["code"]).toBe("revoked");
    }
    expect((await ask(world, "/v1/tokens/agent", { authorization, json: { agentId: "b" } })).status).toBe(401);
  });

  it("by the refresh token itself (RFC 7009) is of the client that has it, and answers the same for a stranger", async () => {
    const first = refreshIn(await begin());
    const form = { token: first };
    expect((await ask(world, "/oauth2/revoke", { authorization: basic("other"), form })).status).toBe(200);
    expect(await introspect(first)).toMatchObject({ active: true });
    expect((await ask(world, "/oauth2/revoke", { authorization: basic(), form })).status).toBe(200);
    expect(await introspect(first)).toEqual({ active: false });
  });

  it("of an identity ends all that it has, and is refused to a stranger", async () => {
    const [one, two] = [await begin(), await begin()];
    const json = { identityId: "user:7" };
    expect((await ask(world, "/v1/tokens/revoke", { authorization: basic("other"), json })).status).toBe(403);
    const done = await ask(world, "/v1/tokens/revoke", { authorization: basic(), json });
    expect(done.body).toEqual({ revoked: 2 });
    for (const answer of [one, two]) expect(await introspect(refreshIn(answer))).toEqual({ active: false });
  });
});

describe("a token of one kind", () => {
  it("is never good as the other", async () => {
    const pair = await ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7" } });
    const [access, refresh] = [textIn(pair, "accessToken"), refreshIn(pair)];
    expect((await renew(access)).body["code"]).toBe("unknown");
    const child = { authorization: `Bearer ${refresh}`, json: { agentId: "a" } };
    expect((await ask(world, "/v1/tokens/agent", child)).status).toBe(401);
  });
});
