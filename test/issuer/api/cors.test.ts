import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { basic, type IssuerWorld, newIssuerWorld, specWith } from "./support/world.ts";

let world: IssuerWorld;
beforeEach(async () => {
  world = await newIssuerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const app = "https://app.example";
const forPages = [
  ["POST", "/oauth2/token"],
  ["POST", "/oauth2/revoke"],
  ["POST", "/v1/tokens"],
  ["POST", "/v1/tokens/refresh"],
] as const;
const forAll = [
  "/.well-known/jwks.json",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
] as const;
const forNoPage = [
  ["POST", "/oauth2/introspect"],
  ["GET", "/v1/revocations"],
  ["GET", "/openapi.json"],
  ["GET", "/v1/nothing"],
] as const;

interface Sent {
  readonly method: "GET" | "POST" | "OPTIONS";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}
/** Status, and the headers of CORS. */
async function answerTo(sent: Sent): Promise<readonly [number, object]> {
  const { statusCode, headers } = await world.api.inject({ ...sent, headers: { ...sent.headers } });
  const ofCors = Object.entries(headers).filter(([name]) => name.startsWith("access-control-"));
  return [statusCode, Object.fromEntries(ofCors)];
}
const preflight = (url: string, origin: string, method: string): Promise<readonly [number, object]> => {
  const headers = { "access-control-request-method": method, "access-control-request-headers": "authorization" };
  return answerTo({ method: "OPTIONS", url, headers: { ...headers, origin } });
};

describe.each([...forPages, ...forNoPage])("%s %s", (method, url) => {
  it("knows no CORS unless the file asks for it", async () => {
    expect((await answerTo({ method, url, headers: { origin: app } }))[1]).toEqual({});
    expect(await preflight(url, app, method)).toEqual([url === "/v1/nothing" ? 404 : 405, {}]);
  });
});

describe.each(forAll)("%s", (url) => {
  it("may be read by any page, whatever the file says", async () => {
    const ofCors = { "access-control-allow-origin": "*", "access-control-expose-headers": "etag" };
    for (const origin of [app, "https://evil.example", "null"])
      expect(await answerTo({ method: "GET", url, headers: { origin } })).toEqual([200, ofCors]);
    expect(await preflight(url, "https://evil.example", "GET")).toEqual([
      204,
      {
        ...ofCors,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "*",
        "access-control-max-age": "86400",
      },
    ]);
  });
});

describe("for an origin that the file names", () => {
  beforeEach(() => world.allow(specWith({ spec: { allowedOrigins: ["http://localhost:5173", app] } })));

  it.each(forPages)("%s %s may be asked", async (method, url) => {
    const headers = { origin: app, authorization: basic("dashboard", "wrong") };
    expect((await answerTo({ method, url, headers }))[1]).toEqual({
      "access-control-allow-origin": app,
      "access-control-expose-headers": "retry-after, www-authenticate",
    });
    const [status, ofCors] = await preflight(url, app, method);
    expect([status, ofCors]).toEqual([
      204,
      expect.objectContaining({
        "access-control-allow-origin": app,
        "access-control-allow-headers": "authorization, content-type",
      }),
    ]);
    expect(ofCors).not.toHaveProperty("access-control-allow-credentials");
  });

  it.each(forNoPage)("%s %s may not", async (method, url) => {
    expect((await answerTo({ method, url, headers: { origin: app } }))[1]).toEqual({});
    expect((await preflight(url, app, method))[1]).toEqual({});
  });

  it.each([
    "https://app.example.evil.example",
    "https://sub.app.example",
    "http://app.example",
    "null",
    "*",
    "https://APP.example",
  ])("no page of %s may", async (origin) => {
    for (const [method, url] of forPages) {
      expect((await answerTo({ method, url, headers: { origin } }))[1]).toEqual({});
      expect((await preflight(url, origin, method))[1]).toEqual({});
    }
  });

  it("what is asked by no preflight is no preflight", async () => {
    const [status] = await answerTo({ method: "OPTIONS", url: "/v1/tokens", headers: { origin: app } });
    expect(status).toBe(405);
  });
});
