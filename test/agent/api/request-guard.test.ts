import { describe, expect, test } from "vitest";
import { ApiWorld } from "./support/api-world.ts";

const path = "/v1/identities/a/token";

describe("a request by hand", () => {
  const asked = async (over: "tcp" | "unix", head: (host: string) => string) => {
    const world = await ApiWorld.open({ over });
    const host = world.address.kind === "tcp" ? `127.0.0.1:${world.address.port}` : "localhost";
    const said = await world.raw(`${head(host)}\r\nConnection: close\r\n\r\n`);
    const [, status = ""] = /^HTTP\/1\.1 (\d{3}) /.exec(said) ?? [];
    return [Number(status), /"code":"(\w+)"/.exec(said)?.[1]];
  };

  describe.each(["tcp", "unix"] as const)("over %s", (over) => {
    test("that says what it must is answered", async () => {
      const head = (host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nKeyturn-Agent: 1`;
      expect(await asked(over, head)).toEqual([200, undefined]);
    });

    test.each([
      ["Keyturn-Agent: 0", [403, "AgentHeaderMissing"]],
      ["Keyturn-Agent:", [403, "AgentHeaderMissing"]],
      ["Keyturn-Agent: 1, 1", [403, "AgentHeaderMissing"]],
      ["X-Keyturn-Agent: 1", [403, "AgentHeaderMissing"]],
      ["Keyturn-Agent: 1\r\nKeyturn-Agent: 1", [400, "HeaderRepeated"]],
      ["Keyturn-Agent: 1\r\nHost: evil.example", [400, "HeaderRepeated"]],
      ["Keyturn-Agent: 1\r\nAccept: text/plain\r\naccept: text/plain", [400, "HeaderRepeated"]],
      ["Keyturn-Agent: 1\r\nAuthorization: Bearer a", [400, "CredentialsNotWanted"]],
      ["Keyturn-Agent: 1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b", [400, "CredentialsNotWanted"]],
      ["Keyturn-Agent: 1\r\nProxy-Authorization: Basic a", [400, "CredentialsNotWanted"]],
      ["Keyturn-Agent: 1\r\nOrigin: https://evil.example", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nOrigin: null", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nOrigin:", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nReferer: http://localhost/", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nCookie: a=b", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nSec-Fetch-Site: none", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nSec-Fetch-Dest: empty", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nSec-CH-UA: a", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nAccess-Control-Request-Method: GET", [403, "BrowserNotAllowed"]],
      ["Keyturn-Agent: 1\r\nX-Forwarded-For: 127.0.0.1", [403, "ProxyNotAllowed"]],
      ["Keyturn-Agent: 1\r\nX-Forwarded-Host: localhost", [403, "ProxyNotAllowed"]],
      ["Keyturn-Agent: 1\r\nForwarded: for=127.0.0.1", [403, "ProxyNotAllowed"]],
      ["Keyturn-Agent: 1\r\nVia: 1.1 a", [403, "ProxyNotAllowed"]],
      ["Keyturn-Agent: 1\r\nX-Real-IP: 127.0.0.1", [403, "ProxyNotAllowed"]],
    ])("with %j is refused", async (header, expected) => {
      const head = (host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${header}`;
      expect(await asked(over, head)).toEqual(expected);
    });
  });

  test.each(["localhost", "LocalHost", "127.0.0.1", "[::1]"])("may call this machine %s", async (name) => {
    const world = await ApiWorld.open({ over: "tcp" });
    const { port } = world.target;
    expect((await world.ask(`GET ${path}`, { headers: { host: `${name}:${port}` } })).status).toBe(200);
  });

  test.each([
    "localhost",
    "127.0.0.1",
    "127.0.0.1:1",
    "evil.example:PORT",
    "localhost.evil.example:PORT",
    "0.0.0.0:PORT",
  ])("may not call it %s over TCP", async (name) => {
    const world = await ApiWorld.open({ over: "tcp" });
    const host = name.replace("PORT", String(world.target.port));
    const { status, json } = await world.ask(`GET ${path}`, { headers: { host } });
    expect([status, json["code"]]).toEqual([421, "HostNotAllowed"]);
  });

  test("may call it anything over a Unix socket: clients make names of its path", async () => {
    const world = await ApiWorld.open();
    expect((await world.ask(`GET ${path}`, { headers: { host: "%2frun%2fagent.sock" } })).status).toBe(200);
  });
});

test("fetch of Node.js is no browser", async () => {
  const world = await ApiWorld.open({ over: "tcp" });
  const url = `http://127.0.0.1:${world.target.port}${path}`;
  const answer = await fetch(url, { headers: { "keyturn-agent": "1" } });
  expect(answer.status).toBe(200);
});
