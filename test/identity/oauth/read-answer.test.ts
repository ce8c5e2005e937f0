import { describe, expect, it } from "vitest";
import { readAnswer } from "../../../src/identity/oauth/read-answer.ts";
import { jwtWith, secretText, startMs } from "../support/pairs.ts";

const place = '"https://issuer.example/oauth2/token"';
const json = (members: object): string => JSON.stringify(members);
const read = (status: number, body: string, headers: { retryAfter?: string; date?: string } = {}) =>
  readAnswer({ status, body, ...headers, nowMs: startMs }, place);

describe("readAnswer of a token", () => {
  const token = { access_token: jwtWith({}), token_type: "Bearer" };
  it.each([
    [
      "whole",
      { ...token, expires_in: 60, refresh_token: "r", refresh_token_expires_in: 120 },
      { expiresInSeconds: 60, refreshToken: "r", refreshExpiresInSeconds: 120 },
    ],
    [
      "as others say it",
      { ...token, expires_in: "60", refresh_expires_in: 5 },
      { expiresInSeconds: 60, refreshExpiresInSeconds: 5 },
    ],
    ["of no end", token, {}],
    ["of a million years", { ...token, expires_in: 1e14 }, { expiresInSeconds: 315_360_000 }],
    ["of a type in other letters", { ...token, token_type: "bearer" }, {}],
    ["of no type, and of an end that is null", { access_token: token.access_token, expires_in: null }, {}],
    ["with a refresh token that is none", { ...token, refresh_token: "a\nb" }, {}],
  ])("%s", (_, body, expected) => {
    expect(read(200, json(body))).toEqual({ kind: "issued", issued: { accessToken: token.access_token, ...expected } });
  });

  it.each(["-1", '"soon"', "1e999", "true"])(
    "is a failure with expires_in %s, unless the token says its end",
    (life) => {
      const body = (accessToken: string): string => `{"access_token":"${accessToken}","expires_in":${life}}`;
      expect(read(200, body(token.access_token))).toMatchObject({ kind: "away", code: "AnswerUnreadable" });
      expect(read(200, body(jwtWith({ exp: 1_800_003_600 })))).toMatchObject({ kind: "issued" });
    },
  );

  it.each(["DPoP", "N_A", 1, null])("is a failure with token_type %j, that says so", (type) => {
    const failure = read(200, json({ ...token, token_type: type }));
    expect(failure).toMatchObject({ kind: "away", code: "TokenTypeUnknown" });
    if (type === "DPoP") expect(failure).toHaveProperty("message", expect.stringContaining("Bearer, not DPoP"));
  });

  it("takes the time of the server from its Date, unless that is nonsense", () => {
    const date = new Date(startMs - 60_000).toUTCString();
    expect(read(200, json(token), { date })).toMatchObject({ issued: { serverNowMs: startMs - 60_000 } });
    expect(read(200, json(token), { date: "Thu, 01 Jan 1970 00:00:00 GMT" })).not.toHaveProperty("issued.serverNowMs");
  });

  it.each(["", "<html>", "[]", json({ access_token: "" }), json({ access_token: "a b" }), json({ access_token: 1 })])(
    "is a lost answer where there is none: %j",
    (body) => {
      expect(read(200, body)).toMatchObject({ kind: "away", code: "AnswerUnreadable", mayBeDone: true });
    },
  );
});

describe("readAnswer of an error", () => {
  it.each([
    [400, json({ error: "invalid_grant", code: "expired" }), { kind: "denied", code: "expired", isTokenDead: true }],
    [400, json({ error: "invalid_grant", code: "reused" }), { kind: "denied", code: "reused", isTokenDead: true }],
    [
      400,
      json({ error: "invalid_grant", code: "superseded" }),
      { kind: "denied", code: "superseded", isTokenDead: true },
    ],
    [400, json({ error: "invalid_grant" }), { kind: "denied", code: "invalid_grant", isTokenDead: true }],
    [
      400,
      json({ error: "invalid_grant", code: "caller-gone" }),
      { kind: "denied", code: "caller-gone", isTokenDead: false },
    ],
    [400, json({ error: "invalid_grant", code: "client" }), { kind: "denied", code: "client", isTokenDead: false }],
    [401, json({ error: "invalid_client", code: "secret" }), { kind: "denied", code: "secret", isTokenDead: false }],
    [401, "", { kind: "denied", code: "Status401", isTokenDead: false }],
    [403, json({ error: "access_denied" }), { kind: "denied", code: "access_denied", isTokenDead: false }],
    [403, "<!DOCTYPE html><title>Forbidden</title>", { kind: "away", code: "Status403", mayBeDone: false }],
    [400, json({ error: "invalid_target" }), { kind: "away", code: "invalid_target", mayBeDone: false }],
    [302, "", { kind: "away", code: "Status302", mayBeDone: false }],
    [404, "not here", { kind: "away", code: "Status404", mayBeDone: false }],
    [429, json({ error: "slow_down" }), { kind: "away", code: "slow_down", mayBeDone: false }],
    [500, json({ error: "server_error" }), { kind: "away", code: "server_error", mayBeDone: true }],
    [502, "<html>Bad Gateway</html>", { kind: "away", code: "Status502", mayBeDone: true }],
    [
      503,
      json({ error: "temporarily_unavailable", code: "NoSigner" }),
      { kind: "away", code: "NoSigner", mayBeDone: false },
    ],
    [503, "upstream connect error", { kind: "away", code: "Status503", mayBeDone: true }],
    [504, "", { kind: "away", code: "Status504", mayBeDone: true }],
  ])("%d %s", (status, body, expected) => {
    expect(read(status, body)).toMatchObject(expected);
  });

  it.each([
    ["120", undefined, 120_000],
    ["0", undefined, 0],
    [new Date(startMs + 90_000).toUTCString(), undefined, 90_000],
    [new Date(startMs).toUTCString(), new Date(startMs - 30_000).toUTCString(), 30_000],
    [new Date(startMs - 90_000).toUTCString(), undefined, 0],
    ["soon", undefined, undefined],
    ["-1", undefined, undefined],
  ])("takes Retry-After %s at Date %s for %s ms", (retryAfter, date, expected) => {
    const answer = read(429, "", { retryAfter, ...(date !== undefined && { date }) });
    expect("retryAfterMs" in answer ? answer.retryAfterMs : undefined).toBe(expected);
  });

  it("says whom it asked and what it heard, and nothing that is not a word", () => {
    const leak = secretText("token");
    expect(read(400, json({ error: "invalid_grant", code: "reused" }))).toHaveProperty(
      "message",
      `Cannot get a token: ${place} answers 400 "invalid_grant" (reused)`,
    );
    for (const body of [
      json({ error: leak, code: leak }),
      json({ error: "invalid_grant", code: leak, error_description: leak }),
      leak,
    ]) {
      expect(JSON.stringify(read(400, body))).not.toContain("xxxx");
    }
  });
});
