import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ruleWith } from "../support/token-issuers.ts";
import {
  accessMs,
  accessTokenType,
  allow,
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
const refresh = (text: string, authorization?: string): Promise<Answer> =>
  ask(world, "/oauth2/token", {
    form: { grant_type: "refresh_token", refresh_token: text },
    ...(authorization !== undefined && { authorization }),
  });

describe("an access token that has expired, where recoverExpiredFor says so,", () => {
  it("buys a pair of the very same grant, once", async () => {
    const pair = await begin({ claims: { team: "red" } });
    world.nowMs += accessMs + 5 * minuteMs;
    const answer = await recover(world, token(pair));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ issued_token_type: accessTokenType, token_type: "Bearer" });
    const [before, after] = [claimsOf(token(pair)), claimsOf(textIn(answer, "access_token"))];
    for (const name of ["iss", "sub", "client_id", "aud", "scope", "sid", "team"]) {
      expect([name, after[name]]).toEqual([name, before[name]]);
    }
    expect(after["jti"]).not.toBe(before["jti"]);
    expect(await world.store.count(world.nowMs)).toBe(1);
    expect(heardOf(world, "grant.recover")).toEqual([
      expect.objectContaining({ sid: before["sid"], subject: "user:7", generation: 1, jti: before["jti"] }),
    ]);
    expect(inShort(await recover(world, token(pair)))).toEqual([400, "invalid_grant", "superseded"]);
    expect(heardOf(world, "grant.recover_refuse")).toEqual([{ event: "grant.recover_refuse", code: "superseded" }]);
    const next = await refresh(textIn(answer, "refresh_token"));
    expect(claimsOf(textIn(next, "access_token"))["sid"]).toBe(before["sid"]);
  });

  it("is used once, also by two at the same time", async () => {
    const text = token(await begin());
    world.nowMs += accessMs;
    const answers = await Promise.all([recover(world, text), recover(world, text), recover(world, text)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });

  it("counts from its end until that long after it", async () => {
    const text = token(await begin());
    world.nowMs += accessMs - 1;
    expect(inShort(await recover(world, text))).toEqual([400, "invalid_grant", "issuer"]);
    world.nowMs += hourMs + 2;
    expect(inShort(await recover(world, text))).toEqual([400, "invalid_grant", "expiry"]);
    world.nowMs -= 1;
    expect((await recover(world, text)).status).toBe(200);
  });

  it("buys no later end than its grant would have", async () => {
    const notAfter = new Date(world.nowMs + hourMs).toISOString();
    await world.allow(specWith({ client: { allow: { ...allow, notAfter } }, spec: recovering }));
    const pair = await begin();
    world.nowMs += 30 * minuteMs;
    const answer = await recover(world, token(pair));
    expect(answer.body["refresh_token_expires_in"]).toBe(1800);
  });

  it("of an older renewal buys nothing, however young", async () => {
    const pair = await begin();
    world.nowMs += 5 * minuteMs;
    const next = await refresh(textIn(pair, "refreshToken"));
    world.nowMs += accessMs;
    expect(inShort(await recover(world, token(pair)))).toEqual([400, "invalid_grant", "superseded"]);
    expect((await recover(world, textIn(next, "access_token"))).status).toBe(200);
  });

  it("lets its owner find a thief out, whose pair ends with the grant", async () => {
    const pair = await begin();
    world.nowMs += accessMs;
    const stolen = await recover(world, token(pair));
    world.nowMs += minuteMs;
    expect(inShort(await refresh(textIn(pair, "refreshToken")))).toEqual([400, "invalid_grant", "reused"]);
    expect(inShort(await refresh(textIn(stolen, "refresh_token")))).toEqual([400, "invalid_grant", "reused"]);
  });

  it("leaves the grant to its owner, who has a proof", async () => {
    const pair = await begin();
    world.nowMs += accessMs;
    await recover(world, token(pair));
    world.nowMs += minuteMs;
    expect((await refresh(textIn(pair, "refreshToken"), basic())).status).toBe(200);
  });

  it("may ask for some of its scopes, and for no other audience", async () => {
    const text = token(await begin({ scopes: ["read", "write"] }));
    world.nowMs += accessMs;
    expect(inShort(await recover(world, text, { scope: "read chief" }))).toEqual([400, "invalid_scope", "asked-scope"]);
    expect(inShort(await recover(world, text, { audience: "admin" }))).toEqual([
      400,
      "invalid_target",
      "asked-audience",
    ]);
    const answer = await recover(world, text, { scope: "read", audience: "api" });
    expect(claimsOf(textIn(answer, "access_token"))["scope"]).toBe("read");
  });

  it("of a grant below another one goes on below it", async () => {
    const parent = await begin();
    const json = { agentId: "a" };
    const child = await ask(world, "/v1/tokens/agent", { authorization: `Bearer ${token(parent)}`, json });
    world.nowMs += accessMs;
    const answer = await recover(world, token(child));
    expect(claimsOf(textIn(answer, "access_token"))["sub"]).toBe("user:7/agent/a");
    const { sid: sessionId } = claimsOf(token(parent));
    await ask(world, "/v1/tokens/revoke", { authorization: basic(), json: { sessionId } });
    expect((await refresh(textIn(answer, "refresh_token"))).body["code"]).toBe("revoked");
  });

  it("of another issuer's exchange buys, too, as long as all of its rules allow it", async () => {
    const authorization = `Bearer ${world.foreign()}`;
    const pair = await ask(world, "/v1/tokens", { authorization, json: { identityId: "ext:anna" } });
    world.nowMs += accessMs;
    const grantTypes = ["refresh_token"];
    const rules = [
      ruleWith(),
      ruleWith({ name: "other", match: { sub: "x" }, allow: { audiences: ["api"], grantTypes } }),
    ];
    await world.allow(specWith({ trust: { rules }, spec: recovering }));
    expect(inShort(await recover(world, token(pair)))).toEqual([400, "unauthorized_client", "grant-type"]);
    await world.allow(specWith({ spec: recovering }));
    expect((await recover(world, token(pair))).status).toBe(200);
  });
});
