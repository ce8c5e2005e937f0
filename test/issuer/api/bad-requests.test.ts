import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, basic, type IssuerWorld, newIssuerWorld, secret } from "./support/world.ts";

let world: IssuerWorld;
beforeAll(async () => {
  world = await newIssuerWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const json = ["/v1/tokens", "/v1/tokens/agent", "/v1/tokens/path", "/v1/tokens/workspace-path", "/v1/tokens/refresh"];
const ending = ["/v1/tokens/revoke", "/v1/tokens/introspect"];
const forms = ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"];
const authorization = basic();

/** Every answer to a bad request: a code, nothing to keep, nothing written. */
async function refused(
  url: string,
  sent: Parameters<typeof ask>[2],
  ...[status, code]: readonly [number, string]
): Promise<void> {
  const answer = await ask(world, url, { authorization, ...sent });
  expect([answer.status, answer.body["code"]]).toEqual([status, code]);
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(await world.store.count(world.nowMs)).toBe(0);
}

describe.each([...json, ...ending])("POST %s refuses", (url) => {
  it.each<[string, string]>([
    ["", "Malformed"],
    ["[]", "Malformed"],
    ["null", "Malformed"],
    ['{"a":', "Malformed"],
    ['{"identityId":"a","identityId":"b"}', "DuplicateMember"],
    [`${'{"a":'.repeat(17)}1${"}".repeat(17)}`, "TooDeep"],
    ['{"strange":1}', "RequestInvalid"],
    ["{}", "RequestInvalid"],
    ['{"identityId":1,"agentId":1,"paths":1,"refreshToken":1,"token":1}', "RequestInvalid"],
  ])("the body %j", (body, code) => refused(url, { json: body }, 400, code));

  it("a body of more than 64 KiB", () =>
    refused(url, { json: JSON.stringify({ identityId: "x".repeat(65_536) }) }, 413, "BodyTooLarge"));
  it("a form", () => refused(url, { form: { identityId: "a" } }, 415, "MediaTypeUnknown"));
  it("another method", () => refused(url, { method: "DELETE" }, 405, "MethodNotAllowed"));
});

describe.each(forms)("POST %s refuses", (url) => {
  it.each([
    ["grant_type=client_credentials&grant_type=client_credentials", "DuplicateMember"],
    ["token=a&token=b", "DuplicateMember"],
    ["strange=1", "RequestInvalid"],
    ["", "RequestInvalid"],
  ])("the form %j", (form, code) => refused(url, { form }, 400, code));
  it("JSON", () => refused(url, { json: { token: "a", grant_type: "client_credentials" } }, 415, "MediaTypeUnknown"));
  it("another method", () => refused(url, { method: "PUT" }, 405, "MethodNotAllowed"));
});

describe("credentials", () => {
  const form = { grant_type: "client_credentials" };
  it.each<[string, Parameters<typeof ask>[2], number, string]>([
    ["none", { form }, 401, "invalid_client"],
    ["a wrong secret", { form, authorization: basic("dashboard", "wrong") }, 401, "invalid_client"],
    ["an unknown client", { form, authorization: basic("nobody") }, 401, "invalid_client"],
    ["another scheme", { form, authorization: "Digest abc" }, 401, "invalid_client"],
    ["a secret twice", { form: { ...form, client_secret: secret }, authorization }, 400, "invalid_request"],
    ["another id beside", { form: { ...form, client_id: "other" }, authorization }, 400, "invalid_request"],
  ])("%s", async (...[, sent, status, error]) => {
    const answer = await ask(world, "/oauth2/token", sent);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
    expect(answer.headers["www-authenticate"]).toEqual(status === 401 ? expect.stringContaining("Basic") : undefined);
  });

  it("for an unknown client and a wrong secret are answered alike", async () => {
    const [one, two] = await Promise.all([
      ask(world, "/oauth2/token", { form, authorization: basic("nobody") }),
      ask(world, "/oauth2/token", { form, authorization: basic("dashboard", "wrong") }),
    ]);
    expect(one.body).toEqual(two.body);
  });
});

it.each(["/%zz", "/v1/tokens/%", "/v1/tokens/%ff"])("the path %s, which nobody can decode", async (url) => {
  await refused(url, {}, 400, "UrlInvalid");
  const { body } = await ask(world, url);
  expect(body).toEqual({
    error: "invalid_request",
    error_description: "The path must be one that can be decoded",
    code: "UrlInvalid",
  });
});

it.each(["/openapi.json", "/.well-known/openid-configuration", "/.well-known/jwks.json"])(
  "HEAD %s is GET without a body",
  async (url) => {
    const [get, head] = await Promise.all(
      (["GET", "HEAD"] as const).map((method) => world.api.inject({ method, url })),
    );
    expect([head?.statusCode, head?.body]).toEqual([200, ""]);
    expect(head?.headers["content-type"]).toEqual(get?.headers["content-type"]);
  },
);

it("unknown paths are no more than that", () => refused("/v1/nothing", {}, 404, "NotFound"));

it("the API describes itself, each endpoint", async () => {
  const { body } = await ask(world, "/openapi.json", { method: "GET" });
  expect(Object.keys(body["paths"] ?? {}).sort()).toEqual(
    [...json, ...ending, ...forms, "/v1/revocations"]
      .concat("/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
      .sort(),
  );
});
