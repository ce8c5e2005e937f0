import { describe, expect, onTestFinished, test } from "vitest";
import { dialects, emptyDatabase } from "../../sql/support/databases.ts";
import { basic, claimsOf, specWith } from "../api/support/world.ts";
import { IssuerHome } from "../support/issuer-home.ts";
import { fileWith } from "../support/token-issuers.ts";

/** What a database may take amiss, or take for something else. */
const texts: Readonly<Record<string, string>> = {
  "a NUL": "user:a\u0000b",
  "half a character": "user:\ud800",
  "a composed letter": "user:\u00e9",
  "the same, decomposed": "user:e\u0301",
  "what looks like SQL": "user:'; DROP TABLE grants; --",
  "a placeholder": "user:$1 ?1 :id @x",
  "a backslash": "user:\\000\\",
  "the longest": `user:${"\u{1f600}".repeat(125)}`,
  "a line break": "user:a\nb",
  nothing: "",
};

const allow = { audiences: ["api"], scopes: ["read"], subjects: ["**"], claims: ["*"], introspect: true };

describe.each(dialects)("what a caller may write into %s", (dialect) => {
  async function opened() {
    const database = await emptyDatabase(dialect);
    onTestFinished(() => database[Symbol.asyncDispose]());
    const home = await IssuerHome.make();
    await home.allow(fileWith(specWith({ client: { allow } })));
    await home.writes({ generation: 5 });
    await home.start({ store: database.location });
    await home.log.heard("} ready");
    const post = async (path: string, body: object | string, authorization = basic()) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const headers = { authorization, "content-type": "application/json" };
      const answer = await fetch(home.at(path), { method: "POST", headers, body: text });
      return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, string>> };
    };
    return { home, post };
  }

  test("comes out as it went in, or is refused, and never is a mistake of ours", async () => {
    const { home, post } = await opened();
    // Asked, renewed, in a claim, as an agent; revoked as a subject, a token, a grant; looked at
    const seen: Record<string, string> = {};
    for (const [name, text] of Object.entries(texts)) {
      const asked = await post("/v1/tokens", { identityId: text });
      if (asked.status === 200) expect(claimsOf(asked.body["accessToken"] ?? "")["sub"]).toBe(text);
      const renewed = await post("/v1/tokens/refresh", { refreshToken: asked.body["refreshToken"] ?? "" });
      if (renewed.status === 200) expect(claimsOf(renewed.body["accessToken"] ?? "")["sub"]).toBe(text);
      const inClaim = await post("/v1/tokens", {
        identityId: "user:a",
        claims: { team: { [text]: [text, null, 1e300] } },
      });
      const claims = claimsOf((inClaim.status === 200 && inClaim.body["accessToken"]) || "e30.e30.");
      if (inClaim.status === 200) expect(claims["team"]).toEqual({ [text]: [text, null, 1e300] });
      const child = await post("/v1/tokens/agent", { agentId: text }, `Bearer ${asked.body["accessToken"] ?? "x"}`);
      const revoked = [
        await post("/v1/tokens/revoke", { identityId: text }),
        await post("/v1/tokens/revoke", { tokenId: text }),
        await post("/v1/tokens/revoke", { sessionId: text }),
        await post("/v1/tokens/introspect", { token: text }),
      ];
      seen[name] = [asked, renewed, inClaim, child, ...revoked].map(({ status }) => status).join(" ");
    }
    expect(seen).toMatchInlineSnapshot(`
      {
        "a NUL": "400 400 200 401 403 200 200 200",
        "a backslash": "200 200 200 200 200 200 200 200",
        "a composed letter": "200 200 200 200 200 200 200 200",
        "a line break": "400 400 200 401 403 200 200 200",
        "a placeholder": "200 200 200 200 200 200 200 200",
        "half a character": "400 400 200 401 403 200 200 200",
        "nothing": "400 400 200 400 400 400 400 400",
        "the longest": "200 200 200 400 200 200 200 200",
        "the same, decomposed": "200 200 200 200 200 200 200 200",
        "what looks like SQL": "200 200 200 200 200 200 200 200",
      }
    `);
    expect(home.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test("a subject is revoked as it is written, not as it looks", async () => {
    const { post } = await opened();
    const [composed = "", decomposed = ""] = [texts["a composed letter"], texts["the same, decomposed"]];
    const kept = await post("/v1/tokens", { identityId: decomposed });
    const ended = await post("/v1/tokens", { identityId: composed });
    expect(await post("/v1/tokens/revoke", { identityId: composed })).toEqual({ status: 200, body: { revoked: 1 } });
    const renew = async ({ body }: typeof kept) =>
      (await post("/v1/tokens/refresh", { refreshToken: body["refreshToken"] ?? "" })).status;
    expect([await renew(kept), await renew(ended)]).toEqual([200, 400]);
  });

  test("numbers that no column holds are a life that is cut, or none", async () => {
    const { home, post } = await opened();
    const numbers = ["1e308", "9007199254740993", "-1", "1.5", "1e-320", `"${"9".repeat(300)}"`, "true", "[]"];
    // Asked, what it got in seconds, renewed
    const seen: Record<string, string> = {};
    for (const number of numbers) {
      const body = `{"identityId":"user:a","refreshTokenTtlSeconds":${number},"expiresIn":${number}}`;
      const answer = await post("/v1/tokens", body);
      const again = await post("/v1/tokens/refresh", { refreshToken: answer.body["refreshToken"] ?? "" });
      seen[number.slice(0, 20)] = [answer.status, answer.body["refreshTokenTtlSeconds"], again.status].join(" ");
    }
    expect(seen).toMatchInlineSnapshot(`
      {
        ""9999999999999999999": "200 7776000 200",
        "-1": "200 86400 200",
        "1.5": "200 86400 200",
        "1e-320": "200 86400 200",
        "1e308": "200 7776000 200",
        "9007199254740993": "200 7776000 200",
        "[]": "200 86400 200",
        "true": "200 86400 200",
      }
    `);
    expect((await post("/v1/tokens", { identityId: `user:${"x".repeat(70_000)}` })).status).toBe(413);
    expect(home.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
