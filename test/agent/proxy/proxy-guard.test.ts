import { get } from "node:http";
import { describe, expect, test } from "vitest";
import { RawClient } from "../../http/support/serve.ts";
import { answerTo, proxied, tokenOf } from "./support/proxied.ts";

/** Status, code of the problem, and whether the upstream was asked. */
async function told(lines: readonly string[], target = "/"): Promise<readonly unknown[]> {
  let asked = 0;
  const { port, identity } = await proxied((_, response) => {
    asked += 1;
    response.end();
  });
  const head = [`GET ${target} HTTP/1.1`, "Connection: close", ...lines];
  const answer = await (
    await RawClient.to(port)
  )
    .write(`${head.join("\r\n")}\r\n\r\n`.replaceAll("PORT", String(port)))
    .ended.then((text) => text);
  const [, code] = /"code":"(\w+)"/.exec(answer) ?? [];
  // What is refused does not even look at the token
  if (asked === 0) expect(identity.asked).toEqual(["renewed"]);
  return [Number(answer.slice(9, 12)), code, asked];
}

const passed = [200, undefined, 1];

describe("Host", () => {
  test.each(["localhost", "localhost:PORT", "127.0.0.1:PORT", "127.0.0.2", "[::1]:9", "LOCALHOST"])(
    "%s is this machine",
    async (host) => {
      expect(await told([`Host: ${host}`])).toEqual(passed);
    },
  );

  test.each([
    "evil.example",
    "evil.example:PORT",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example#.localhost",
    "evil@localhost",
    "10.0.0.1",
    "0.0.0.0",
    "",
    " ",
  ])("%j is a name that somebody made lead here", async (host) => {
    expect(await told([`Host: ${host}`])).toEqual([421, "HostUnknown", 0]);
  });

  test("a second one is refused: who counts?", async () => {
    expect(await told(["Host: localhost", "Host: evil.example"])).not.toEqual(passed);
    expect(await told(["Host: localhost", "Host: localhost"])).not.toEqual(passed);
  });

  test("the upstream's own name leads here on purpose", async () => {
    const { port } = await proxied((request, response) => response.end(tokenOf(request)));
    const upstream = await proxied((_, response) => response.end("a"), { upstream: new URL("http://api.invalid:7/") });
    for (const [at, host, status] of [
      [upstream.port, "api.invalid:7", 502],
      [upstream.port, "api.invalid", 421],
      [port, "api.invalid:7", 421],
    ] as const) {
      const client = await RawClient.to(at);
      const answer = await client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`).ended;
      expect(Number(answer.slice(9, 12))).toBe(status);
    }
  });
});

describe("a browser's page", () => {
  test.each([
    { what: "of another site", lines: ["Sec-Fetch-Site: cross-site"] },
    { what: "of another port of this machine", lines: ["Sec-Fetch-Site: same-site"] },
    { what: "of what nobody knows", lines: ["Sec-Fetch-Site: whatever"] },
    { what: "of another site in an old browser", lines: ["Origin: https://evil.example"] },
    { what: "without an origin", lines: ["Origin: null"] },
    { what: "of another port in an old browser", lines: ["Origin: http://localhost:1"] },
    { what: "of this port by TLS", lines: ["Origin: https://localhost:PORT"] },
  ])("$what is refused", async ({ lines }) => {
    expect(await told(["Host: localhost:PORT", ...lines])).toEqual([403, "CrossSite", 0]);
  });

  test.each([
    { what: "that came through the proxy", lines: ["Sec-Fetch-Site: same-origin", "Origin: http://localhost:PORT"] },
    {
      what: "that came through a server before it",
      lines: ["Sec-Fetch-Site: same-origin", "Origin: http://localhost:1"],
    },
    { what: "that a person asked for", lines: ["Sec-Fetch-Site: none"] },
    { what: "that came through the proxy, in an old browser", lines: ["Origin: http://localhost:PORT"] },
  ])("$what is passed on", async ({ lines }) => {
    expect(await told(["Host: localhost:PORT", ...lines])).toEqual(passed);
  });

  test("a WebSocket of another site is refused", async () => {
    const upgrade = ["Host: localhost", "Upgrade: websocket", "Connection: upgrade", "Origin: https://evil.example"];
    expect(await told(upgrade)).toEqual([403, "CrossSite", 0]);
  });
});

describe("a request for a forward proxy", () => {
  test.each(["http://other.example/", "http://localhost:PORT/", "*", "other.example:80"])(
    "%s is refused",
    async (target) => {
      const [status, , asked] = await told(["Host: localhost"], target);
      expect([status, asked]).toEqual([400, 0]);
    },
  );
});

test("an Authorization of the application's own is refused: the agent's would act for somebody else", async () => {
  expect(await told(["Host: localhost", "Authorization: Bearer own"])).toEqual([400, "AuthorizationPresent", 0]);
  expect(await told(["Host: localhost", "authorization: Basic YTpi"])).toEqual([400, "AuthorizationPresent", 0]);
});

test("or replaced, where the file says so: for a program that does nothing without a key", async () => {
  const seen: (string | undefined)[] = [];
  const { url } = await proxied(
    (request, response) => {
      seen.push(tokenOf(request), ...(request.headersDistinct["authorization"] ?? []).slice(1));
      response.end();
    },
    { authorization: "replace" },
  );
  await answerTo(get(url, { headers: { authorization: "Bearer own" } }));
  expect(seen).toEqual(["shop-1"]);
});
