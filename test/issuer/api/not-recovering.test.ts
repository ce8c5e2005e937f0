import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimsAt, newKey, tokenOf } from "../support/tokens.ts";
import {
  accessMs,
  accessTokenType,
  allow,
  exchange,
  heardOf,
  inShort,
  minuteMs,
  recover,
  recovering,
  token,
} from "./support/recovery.ts";
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
  await world.allow(specWith({ spec: recovering }));
});
afterEach(() => world[Symbol.asyncDispose]());

const begin = (json: object = {}): Promise<Answer> =>
  ask(world, "/v1/tokens", { authorization: basic(), json: { identityId: "user:7", ...json } });
const jwtType = "urn:ietf:params:oauth:token-type:jwt";

describe("an expired access token buys nothing", () => {
  const claims = (more: object = {}): object => {
    const { profile } = world.parts.signing() ?? {};
    return claimsAt(world.nowMs - hourMs / 2, { iss: profile?.issuer, aud: "api", ...more });
  };
  const later = async (text: string): Promise<Answer> => {
    world.nowMs += accessMs + minuteMs;
    return recover(world, text);
  };
  const revoke = (json: object): Promise<Answer> => ask(world, "/v1/tokens/revoke", { authorization: basic(), json });
  const put = (text: string, at: number, by: string): string => text.split(".").with(at, by).join(".");
  /** As whoever else signs with these keys may make it. */
  const beside = async (pair: Answer, more: object, prefix = ""): Promise<string> => {
    const { sid, sub, client_id, scope } = claimsOf(token(pair));
    const signing = world.parts.signing();
    if (signing === undefined) throw new Error("no key signs");
    return signing.mint({
      ...{ type: "at+jwt", subject: String(sub), audience: ["api"], ttlMs: accessMs },
      ...{ claims: { sid, client_id, scope }, idPrefix: prefix === "" ? `${String(sid)}.` : prefix },
      ...more,
    }).token;
  };

  const cases: readonly (readonly [string, () => Promise<Answer>, readonly unknown[]])[] = [
    [
      "where nothing is said of it",
      async () => {
        await world.allow(specWith({ spec: { ...recovering, recoverExpiredFor: undefined } }));
        return later(token(await begin()));
      },
      ["invalid_grant", "issuer"],
    ],
    [
      "whose payload was changed",
      async () => {
        const text = token(await begin());
        const changed = { ...claimsOf(text), sub: "user:8" };
        return later(put(text, 1, Buffer.from(JSON.stringify(changed)).toString("base64url")));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose signature is another one's",
      async () => {
        const [one, two] = [token(await begin()), token(await begin({ identityId: "user:8" }))];
        return later(put(one, 2, two.split(".")[2] ?? ""));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "without a signature",
      async () => {
        const text = token(await begin());
        return later(put(put(text, 0, Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")), 2, ""));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "of another key with our kid",
      async () => {
        const header = JSON.parse(Buffer.from(token(await begin()).split(".")[0] ?? "", "base64url").toString()) as {
          readonly kid: string;
        };
        return recover(world, tokenOf(claims(), newKey(header.kid), { typ: "at+jwt" }));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose key is revoked",
      async () => {
        const text = token(await begin());
        world.isKeyRevoked = true;
        return later(text);
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose grant is revoked",
      async () => {
        const pair = await begin();
        await revoke({ sessionId: claimsOf(token(pair))["sid"] });
        return later(token(pair));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose grant another process has just revoked",
      async () => {
        const pair = await begin();
        const row = await world.store.list({ limit: 1 });
        const id = row.rows[0]?.grant.id ?? randomBytes(16);
        await world.store.revoke({ kind: "grant", id }, { nowMs: world.nowMs, tokensEndAtMs: world.nowMs + hourMs });
        return later(token(pair));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "that is revoked by its id, also after gateways may forget it",
      async () => {
        const pair = await begin();
        await revoke({ tokenId: claimsOf(token(pair))["jti"] });
        world.nowMs += accessMs + hourMs - minuteMs;
        const at = { endedBeforeMs: world.nowMs, limit: 100 };
        await world.store.revoke({ kind: "subject", subject: "other" }, { nowMs: world.nowMs, tokensEndAtMs: 1 });
        await world.store.pruneRevocations(at);
        world.parts.revoked.prune(world.nowMs);
        return recover(world, token(pair));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose subject is revoked",
      async () => {
        const pair = await begin();
        await revoke({ identityId: "user:7" });
        return later(token(pair));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "of a grant that has run out",
      async () => later(token(await begin({ refreshTokenTtlSeconds: 60 }))),
      ["invalid_grant", "expired"],
    ],
    [
      "of a grant below one that has ended",
      async () => {
        const parent = await begin({ refreshTokenTtlSeconds: 700 });
        const authorization = `Bearer ${token(parent)}`;
        const child = await ask(world, "/v1/tokens/agent", { authorization, json: { agentId: "a" } });
        await revoke({ sessionId: claimsOf(token(parent))["sid"] });
        return later(token(child));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "without a grant",
      async () => {
        const grantTypes = ["client_credentials", exchange];
        await world.allow(specWith({ client: { allow: { ...allow, grantTypes } }, spec: recovering }));
        return later(token(await begin()));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "that is not for the issuer itself",
      async () => later(token(await begin({ audience: ["admin"] }))),
      ["invalid_grant", "audience"],
    ],
    [
      "with fewer scopes than its grant",
      async () => {
        const form = {
          grant_type: "refresh_token",
          refresh_token: textIn(await begin(), "refreshToken"),
          scope: "read",
        };
        return later(textIn(await ask(world, "/oauth2/token", { form }), "access_token"));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "whose client has left the file",
      async () => {
        const pair = await begin();
        const { clients, ...rest } = specWith({ spec: recovering });
        await world.allow({ ...rest, clients: clients.slice(1) });
        return later(token(pair));
      },
      ["invalid_grant", "caller-gone"],
    ],
    [
      "whose client may exchange nothing",
      async () => {
        const pair = await begin();
        const grantTypes = ["client_credentials", "refresh_token"];
        await world.allow(specWith({ client: { allow: { ...allow, grantTypes } }, spec: recovering }));
        return later(token(pair));
      },
      ["unauthorized_client", "grant-type"],
    ],
    [
      "whose client may renew nothing",
      async () => {
        const pair = await begin();
        const grantTypes = ["client_credentials", exchange];
        await world.allow(specWith({ client: { allow: { ...allow, grantTypes } }, spec: recovering }));
        return later(token(pair));
      },
      ["unauthorized_client", "grant-type"],
    ],
    [
      "beside the secret of another client",
      async () => {
        const text = token(await begin());
        world.nowMs += accessMs;
        return recover(world, text, { authorization: basic("other") });
      },
      ["invalid_grant", "client"],
    ],
    [
      "beside a wrong secret",
      async () => {
        const text = token(await begin());
        world.nowMs += accessMs;
        return recover(world, text, { authorization: basic("dashboard", "wrong") });
      },
      ["invalid_client", "client"],
    ],
    [
      "of another issuer",
      () => recover(world, tokenOf(claimsAt(world.nowMs - hourMs / 2), newKey())),
      ["invalid_grant", "expiry"],
    ],
    ["of another issuer, good once", () => later(world.foreign()), ["invalid_grant", "expiry"]],
    ["that is a refresh token", async () => later(textIn(await begin(), "refreshToken")), ["invalid_grant", "form"]],
    [
      "that is said to be of another type",
      async () => {
        const text = token(await begin());
        world.nowMs += accessMs;
        return recover(world, text, { subject_token_type: jwtType });
      },
      ["invalid_grant", "issuer"],
    ],
    [
      "of somebody else who signs with our keys: another subject",
      async () => later(await beside(await begin(), { subject: "user:8" })),
      ["invalid_grant", "access-token"],
    ],
    [
      "of somebody else who signs with our keys: another client",
      async () => {
        const pair = await begin();
        const { sid, scope } = claimsOf(token(pair));
        return later(await beside(pair, { claims: { sid, scope, client_id: "other" } }));
      },
      ["invalid_grant", "access-token"],
    ],
    [
      "of somebody else who signs with our keys: an id of his own",
      async () => later(await beside(await begin(), {}, "x.")),
      ["invalid_grant", "access-token"],
    ],
    [
      "of somebody else who signs with our keys: of the type JWT",
      async () => later(await beside(await begin(), { type: "JWT" })),
      ["invalid_grant", "access-token"],
    ],
  ];

  it.each(cases)("%s", async (_, attempt, wanted) => {
    const { status, body } = await attempt();
    expect([body["error"], body["code"]]).toEqual(wanted);
    expect(status).toBe(body["error"] === "invalid_client" ? 401 : 400);
    expect(body).not.toHaveProperty("access_token");
    expect(heardOf(world, "grant.recover")).toEqual([]);
  });

  it("as a bearer, or in any other place", async () => {
    const pair = await begin();
    const text = token(pair);
    world.nowMs += accessMs + 5 * minuteMs;
    const authorization = `Bearer ${text}`;
    const asked: readonly (readonly [string, Parameters<typeof ask>[2]])[] = [
      ["/v1/tokens/agent", { authorization, json: { agentId: "a" } }],
      ["/v1/tokens/path", { authorization, json: { paths: ["/x"] } }],
      ["/v1/tokens/workspace-path", { authorization, json: { workspaceId: "w", paths: ["/x"] } }],
      ["/v1/tokens/revoke", { authorization, json: { identityId: "user:7" } }],
      ["/v1/tokens/introspect", { authorization, json: { token: text } }],
      ["/v1/tokens", { authorization, json: { identityId: "user:7" } }],
      ["/v1/revocations", { method: "GET", authorization }],
      ["/oauth2/introspect", { authorization, form: { token: text } }],
      ["/oauth2/revoke", { authorization, form: { token: text } }],
      ["/oauth2/token", { form: { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: text } }],
      ["/v1/tokens/refresh", { json: { refreshToken: text } }],
    ];
    for (const [url, sent] of asked) {
      const { status } = await ask(world, url, sent);
      expect([url, status >= 400 && status < 500]).toEqual([url, true]);
    }
    const looked = await ask(world, "/v1/tokens/introspect", { method: "GET", authorization });
    expect(looked.body).toEqual({ active: false });
    expect(await world.store.count(world.nowMs)).toBe(1);
  });

  it("while no key can sign, and is as good as before when one can", async () => {
    const text = token(await begin());
    world.nowMs += accessMs;
    world.isFenced = true;
    expect(inShort(await recover(world, text))).toEqual([503, "temporarily_unavailable", "MintFenced"]);
    world.isFenced = false;
    expect((await recover(world, text)).status).toBe(200);
  });

  it("a day later, whatever the file says", async () => {
    await world.allow(specWith({ spec: { ...recovering, recoverExpiredFor: "24h" } }));
    const text = token(await begin({ refreshTokenTtlSeconds: 7 * 86_400 }));
    world.nowMs += accessMs + dayMs + 1000;
    expect(inShort(await recover(world, text))).toEqual([400, "invalid_grant", "expiry"]);
  });
});

it("guesses at expired tokens count as credentials that are no good", async () => {
  await using few = await newIssuerWorld({ mostASecond: 20 });
  await few.allow(specWith({ spec: recovering }));
  const { issuer = "" } = few.parts.signing()?.profile ?? {};
  const made = tokenOf(claimsAt(few.nowMs - hourMs / 2, { iss: issuer, aud: "api" }), newKey(), { typ: "at+jwt" });
  const form = { grant_type: exchange, subject_token: made, subject_token_type: accessTokenType };
  const codes: unknown[] = [];
  for (let count = 0; count < 4; count++) codes.push((await ask(few, "/oauth2/token", { form })).body["code"]);
  expect(codes).toEqual(["access-token", "access-token", "TooManyFailed", "TooManyFailed"]);
});
