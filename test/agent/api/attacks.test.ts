import { describe, expect, test } from "vitest";
import { ApiWorld } from "./support/api-world.ts";

/** What an attacker writes; `HOST` is the agent's own, and `OURS` what a good client says, too. */
type Attack = readonly [what: string, request: string, status: number | "closed"];

const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
const ours = "Host: HOST\nKeyturn-Agent: 1\nConnection: close";
const request = (line: string, headers: string, body = ""): string => crlf(`${line} HTTP/1.1\n${headers}\n\n`) + body;
const token = "GET /v1/identities/a/token";
const page = "Host: HOST\nConnection: close\nSec-Fetch-Site: cross-site\nSec-Fetch-Dest: empty";
const registered = '{"source":{"tokenFile":"token"}}';
const put = (name: string, headers = "", body = registered): string =>
  request(
    `PUT /v1/identities/${name}`,
    `${ours}\nContent-Type: application/json\nContent-Length: ${body.length}${headers}`,
    body,
  );

const ofPages: readonly Attack[] = [
  ["an image", request(token, `${page}\nSec-Fetch-Mode: no-cors`), 403],
  ["fetch without leave", request(token, `${page}\nSec-Fetch-Mode: no-cors\nOrigin: https://evil.example`), 403],
  ["an old browser, which says nothing of itself", request(token, "Host: HOST\nConnection: close"), 403],
  [
    "a form",
    request(
      "POST /v1/identities/a/refresh",
      "Host: HOST\nConnection: close\nOrigin: null\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 3",
      "a=b",
    ),
    403,
  ],
  [
    "a form that is JSON",
    request(
      "POST /v1/identities/c",
      `Host: HOST\nConnection: close\nContent-Type: text/plain\nContent-Length: ${registered.length}`,
      registered,
    ),
    403,
  ],
  [
    "fetch that asks for leave first",
    request(
      "OPTIONS /v1/identities/a/token",
      "Host: HOST\nConnection: close\nOrigin: https://evil.example\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: keyturn-agent",
    ),
    403,
  ],
  [
    "a name that was made to lead here",
    request(token, "Host: evil.example:PORT\nKeyturn-Agent: 1\nConnection: close"),
    421,
  ],
  ["the same without its port", request(token, "Host: evil.example\nKeyturn-Agent: 1\nConnection: close"), 421],
  ["another port of this machine", request(token, "Host: localhost:1\nKeyturn-Agent: 1\nConnection: close"), 421],
  ["a user before the name", request(token, "Host: HOST@evil.example\nKeyturn-Agent: 1\nConnection: close"), 421],
  ["two names", request(token, `${ours}\nHost: evil.example`), 400],
  ["no name", crlf(`${token} HTTP/1.0\nKeyturn-Agent: 1\n\n`), 421],
  ["a beacon", request("POST /v1/identities/a/refresh", `${page}\nContent-Length: 0`), 403],
  [
    "a WebSocket",
    request(
      token,
      `${ours}, Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==`,
    ),
    403,
  ],
  ["a page of another program on this machine", request(token, `${ours}\nOrigin: http://localhost:3000`), 403],
  ["with the cookies of this machine", request(token, `${ours}\nCookie: session=1`), 403],
];

const ofPaths: readonly Attack[] = [
  "/v1/identities/a%2ftoken",
  "/v1/identities/a%2Ftoken",
  "/v1/identities/a%252ftoken",
  "/v1/identities/b/../a/token",
  "/v1/identities/..%2fidentities/a/token",
  "/v1/identities/./a/token",
  "/v1/identities//a/token",
  "//v1/identities/a/token",
  "/v1/identities/a/token/",
  "/v1/identities/a/token;x=1",
  "/v1/identities/a%00/token",
  "/v1/identities/%61/token",
  "/V1/identities/a/token",
  "/v1/identities/A/token",
  "/v1/identities/a\\token",
  "/v1/identities/a/token#refresh",
  "/v1/identities/__proto__/token",
  "/v1/identities/constructor/token",
  "/v1/identities/toString/token",
  `/v1/identities/${"a".repeat(64)}/token`,
  "/v1/identities/%F0%9F%94%91/token",
  "/v1/identities/é/token",
  "http://HOST/v1/identities/a/token",
  "http://evil.example/v1/identities/a/token",
  "*",
  "/v1/identities/a/token?refused=",
  "/v1/identities/a/token?refused=a-1&refused=a-1",
  "/v1/identities/a/token?Refused=a-1",
  "/v1/identities/a/token?refused=a-1&name=b",
  "/v1/identities/a/token?name=b",
  "/v1/identities/a?refused=a-1",
  "/v1/identities?name=a",
].map((path) => [path, request(`GET ${path}`, ours), path.includes("é") || path.includes("?") ? 400 : 404]);

const ofMethods: readonly Attack[] = [
  ["HEAD", request("HEAD /v1/identities/a/token", ours), 405],
  ["TRACE", request("TRACE /v1/identities/a/token", ours), 405],
  ["PATCH", request("PATCH /v1/identities/a", ours), 405],
  ["OPTIONS", request("OPTIONS /v1/identities/a", ours), 405],
  ["GET that would renew", request("GET /v1/identities/a/refresh", ours), 405],
  ["another method by a header", request("POST /v1/identities/a/token", `${ours}\nX-HTTP-Method-Override: GET`), 405],
  ["a tunnel", request("CONNECT localhost:80", ours), "closed"],
  ["no method", request("/v1/identities", ours), 400],
  ["a method that is none", request("STEAL /v1/identities/a/token", ours), 400],
];

const ofFraming: readonly Attack[] = [
  ["a length and chunks", request(token, `${ours}\nContent-Length: 4\nTransfer-Encoding: chunked`, "0\r\n\r\n"), 400],
  ["two lengths", request(token, `${ours}\nContent-Length: 0\nContent-Length: 4`, "GET "), 400],
  ["a coding that nobody knows", request(token, `${ours}\nTransfer-Encoding: chunked, gzip`), 400],
  ["space before the colon", request(token, `${ours}\nX : y`), 400],
  ["a folded line", request(token, `${ours}\nX: y\n z`), 400],
  ["a NUL in a header", request(token, `${ours}\nX: \0`), 400],
  [
    "a request in the body of another",
    request(token, `Host: HOST\nKeyturn-Agent: 1\nContent-Length: 200`, request("DELETE /v1/identities/c", ours)),
    400,
  ],
  ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00", 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a header that goes on", request(token, `${ours}\nX: ${"x".repeat(20_000)}`), 431],
];

const ofRegistering: readonly Attack[] = [
  ["a name of the file", put("a"), 409],
  ["a name in capitals", put("C"), 404],
  ["a name with a dot", put("c.d"), 404],
  ["a name with a dash first", put("-c"), 400],
  ["a name with a dash last", put("c-"), 400],
  ["a file of the agent's", put("c", "", '{"source":{"tokenFile":"/etc/shadow"}}'), 403],
  ["a file above", put("c", "", '{"source":{"tokenFile":"../../etc/shadow"}}'), 403],
  [
    "somebody else's issuer",
    put("c", "", '{"source":{"tokenFile":"token"},"issuer":{"url":"https://evil.example"}}'),
    400,
  ],
  ["a program", put("c", "", '{"source":{"tokenFile":"token"},"notify":{"command":["/bin/sh"]}}'), 400],
  [
    "a place to write",
    put("c", "", '{"source":{"tokenFile":"token"},"sinks":[{"file":{"path":"/etc/cron.d/x"}}]}'),
    403,
  ],
  ["another name within", put("c", "", '{"name":"a","source":{"tokenFile":"token"}}'), 400],
  ["a member twice", put("c", "", '{"source":{"tokenFile":"token"},"source":{"tokenFile":"/etc/shadow"}}'), 400],
  ["a prototype", put("c", "", '{"__proto__":{"source":{"tokenFile":"token"}}}'), 400],
  ["bytes that are no UTF-8", put("c", "", '{"source":{"tokenFile":"token\xff"}}'), 400],
  ["too much", put("c", "", " ".repeat(70_000)), 413],
  [
    "too much in chunks",
    request(
      "PUT /v1/identities/c",
      `${ours}\nContent-Type: application/json\nTransfer-Encoding: chunked`,
      `11171\r\n${" ".repeat(70_001)}\r\n0\r\n\r\n`,
    ),
    413,
  ],
  ["less than it said", put("c", "", "{").replace("Content-Length: 1", "Content-Length: 2"), 408],
];

async function expectNothing(over: "tcp" | "unix", [, text, status]: Attack): Promise<void> {
  // Who is slow only by a busy machine is not told so
  const mostMs = status === 408 ? 200 : 60_000;
  const limits = { headerMs: mostMs, requestMs: mostMs };
  const world = await ApiWorld.open({ over, registers: over === "unix", limits });
  const { port } = world.target;
  const host = over === "tcp" ? `localhost:${port}` : "localhost";
  const said = await world.raw(text.replaceAll("HOST", host).replaceAll("PORT", String(port)));
  const statuses = [...said.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, code]) => Number(code));
  expect(statuses).toEqual(status === "closed" ? [] : [status]);
  expect(said.toLowerCase()).not.toContain("access-control");
  expect(world.identities.all().flatMap((one) => one.asked)).toEqual(["renewed", "renewed"]);
  for (const secret of await world.secrets()) expect(said + world.logged.join()).not.toContain(secret);
}

describe("nobody gets a token, and nothing changes, over TCP by", () => {
  test.each([...ofPages, ...ofPaths, ...ofMethods, ...ofFraming])("%s", (...attack) => expectNothing("tcp", attack));
});

describe("nobody gets a token, and nothing changes, over a Unix socket by", () => {
  test.each([...ofPaths, ...ofMethods, ...ofFraming, ...ofRegistering])("%s", (...attack) =>
    expectNothing("unix", attack),
  );
});

describe("who is slow", () => {
  test.each([
    ["with the header", "GET /v1/identities/a/token HTTP/1.1\r\nHost: lo"],
    ["with nothing at all", ""],
  ])("%s is told so, and cut off", async (_, beginning) => {
    const world = await ApiWorld.open({ limits: { headerMs: 100, requestMs: 100 } });
    const said = await world.raw(beginning);
    expect(said).toContain("HTTP/1.1 408 ");
    expect(said).toContain('"code":"TooSlow"');
  });

  test("keeps nobody out by holding every connection", async () => {
    const world = await ApiWorld.open({ limits: { connections: 3 } });
    const held = Array.from({ length: 8 }, () => world.raw("GET /v1/identities/a/to"));
    expect((await world.ask("GET /v1/identities/a/token")).status).toBe(200);
    expect(await Promise.race(held)).toBe("");
  });
});

describe("requests one after the other, without waiting", () => {
  const one = (line: string, more = ""): string =>
    crlf(`${line} HTTP/1.1\nHost: localhost\nKeyturn-Agent: 1\n${more}\n`);

  test("are answered in their order", async () => {
    const world = await ApiWorld.open();
    const said = await world.raw(
      one(token) + one("GET /v1/identities/nobody") + one("GET /v1/identities", "Connection: close\n"),
    );
    expect([...said.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, code]) => code)).toEqual(["200", "404", "200"]);
  });

  test("are not heard behind one whose body nobody read", async () => {
    const world = await ApiWorld.open({ registers: true });
    const said = await world.raw(one("DELETE /v1/identities/c", "Content-Length: 400\n") + one(token));
    expect(said).toContain('"code":"BodyNotWanted"');
    expect(said).not.toContain("accessToken");
  });
});
