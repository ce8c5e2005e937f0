import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { empty } from "../../src/http/answer.ts";
import type { Face, Handler, Limits } from "../../src/http/listener.ts";
import { plainRequest } from "../../src/http/plain-request.ts";
import { RawClient, serve } from "../gateway/support/http.ts";

/** What was asked, as an answer shows it to the client. */
const shown = (url: string, rawHeaders: readonly string[]) =>
  Buffer.from(JSON.stringify([url, rawHeaders])).toString("base64url");

const byNode: Handler = (request, response) => {
  empty(response, 200, ["x-way", "node", "x-asked", shown(request.url ?? "", request.rawHeaders)]);
};
const both: Face = {
  handler: byNode,
  plain: ({ url, rawHeaders }) => ({ status: 200, headers: ["x-way", "lane", "x-asked", shown(url, rawHeaders)] }),
};

/** No answer of these tests hangs on how fast the machine is. */
const unhurried: Limits = { headerMs: 60_000, requestMs: 60_000, idleMs: 60_000 };

/** All answers to these bytes, after which the client says that it has no more; and by which way the first of them came. */
async function answerTo(face: Face | Handler, bytes: string): Promise<{ way: string; text: string }> {
  const { port } = await serve(face, unhurried);
  const client = await RawClient.to(port);
  client.socket.end(Buffer.from(bytes, "latin1"));
  const text = await client.ended;
  const way = /^x-way: (\w+)\r$/m.exec(text)?.[1] ?? "";
  return { way, text: text.replace(/^(x-way|Date): .*$/gm, "$1") };
}

const get = (...lines: string[]): string => ["GET /verify HTTP/1.1", ...lines, "", ""].join("\r\n");

describe("a connection whose requests are plain", () => {
  test.each([
    ["a usual one", get("Host: a", "Authorization: Bearer a.b.c")],
    ["a query", "GET /verify/x?y=%20&z HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no space before a value, and none at all", get("Host:a", "X-Empty:", "X-Other: ")],
    ["spaces within a value", get("Host: a", "Cookie: a=b; c=d")],
    ["every character of a name", get("Host: a", "!#$%&'*+-.^_`|~09azAZ: x")],
    ["a length of nothing", get("Host: a", "Content-Length: 0")],
    ["names in any case, names that stand twice", get("hOST: a", "x: 1", "X: 2")],
  ])("is answered past node:http, just as by node:http: %s", async (_, bytes) => {
    const [lane, node] = [await answerTo(both, bytes), await answerTo(byNode, bytes)];
    expect([lane.way, node.way]).toEqual(["lane", "node"]);
    expect(lane.text).toBe(node.text);
    expect(lane.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test.each([
    ["another method", "POST /verify HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a body", get("Host: a", "Content-Length: 1") + "x"],
    ["two lengths", get("Host: a", "Content-Length: 0", "Content-Length: 0")],
    ["chunks", get("Host: a", "Transfer-Encoding: chunked") + "0\r\n\r\n"],
    ["a wish about the connection", get("Host: a", "Connection: close")],
    ["the same, to a proxy", get("Host: a", "Proxy-Connection: close")],
    ["an upgrade", get("Host: a", "Connection: Upgrade", "Upgrade: x")],
    ["an expectation", get("Host: a", "Expect: 100-continue")],
    ["no host", get("X: a")],
    ["two hosts", get("Host: a", "Host: b")],
    ["HTTP/1.0", "GET /verify HTTP/1.0\r\nHost: a\r\n\r\n"],
    ["a whole URL", "GET http://a/verify HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a fragment", "GET /verify#x HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["spaces around a value", get("Host: a", "X:  a ")],
    ["a tab", get("Host: a", "X: a\tb")],
    ["a character that is no ASCII", get("Host: a", "X: \xe4")],
    ["a NUL", get("Host: a", "X: a\0b")],
    ["a folded line", get("Host: a", "X: a", " b")],
    ["a space before the colon", get("Host: a", "X : a")],
    ["bare line feeds", "GET /verify HTTP/1.1\nHost: a\n\n"],
    ["a bare carriage return", get("Host: a", "X: a\rY: b")],
    ["an empty line before", "\r\n" + get("Host: a")],
    ["a line without a name", get("Host: a", ": x")],
    ["no HTTP", "\u0016\u0003\u0001\u0002\r\n\r\n"],
    ["a hundred and one lines", get("Host: a", ...Array.from({ length: 100 }, (__, n) => `X-${n}: a`))],
    ["half of a request", get("Host: a").slice(0, -2)],
  ])("is node:http's from the first request that is not: %s", async (_, bytes) => {
    const [lane, node] = [await answerTo(both, bytes), await answerTo(byNode, bytes)];
    expect(lane.way).not.toBe("lane");
    expect(lane).toEqual(node);
  });

  test("whatever the bytes are, gets what node:http would answer", { timeout: 60_000 }, async () => {
    const word = fc.constantFrom(
      "GET ",
      "/verify",
      " HTTP/1.1",
      "\r\n",
      "Host: a",
      "X: b",
      "Content-Length: 0",
      ": ",
      " ",
    );
    const odd = fc.constantFrom("\n", "\r", "\t", "\0", "#", "Connection: close", "Content-Length: 1", "HEAD ", "ÿ");
    const broken = fc.array(fc.oneof({ arbitrary: word, weight: 4 }, odd), { maxLength: 6 });
    const bytes = fc.tuple(broken, fc.nat(60), fc.boolean()).map(([pieces, at, isMixed]) => {
      const whole = get("Host: a", "X-Auth: b");
      return isMixed ? whole.slice(0, at) + pieces.join("") + whole.slice(at) : `${pieces.join("")}\r\n\r\n`;
    });
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        if (plainRequest(Buffer.from(text, "latin1")) === undefined) return;
        seen.add(text);
        const [lane, node] = [await answerTo(both, text), await answerTo(byNode, text)];
        expect([lane.way, lane.text]).toEqual(["lane", node.text]);
      }),
      { numRuns: 3000 },
    );
    expect(seen.size).toBeGreaterThan(20);
  });
});

describe("a connection", () => {
  const opened = async (limits: Limits = {}) => {
    const listener = await serve(both, limits);
    return { listener, client: await RawClient.to(listener.port) };
  };

  test("goes over to node:http for good, with the answers in order", async () => {
    const { client } = await opened();
    await client.write(get("Host: a")).says("x-way: lane");
    client.write(get("Host: a") + get("Host: a", "Y: 1") + get("Host: a", "Connection: close"));
    const ways = [...(await client.ended).matchAll(/x-way: (\w+)/g)].map(([, way]) => way);
    expect(ways).toEqual(["lane", "node", "node", "node"]);
  });

  test("whose request comes in pieces is answered once the last one is there", async () => {
    const { client } = await opened();
    const [head, tail] = [get("Host: a").slice(0, 30), get("Host: a").slice(30)];
    await client.write(get("Host: a")).says("x-way: lane");
    client.write(head);
    await client.write(tail).says("x-way: node");
  });

  test("that says nothing is closed after the time that a header has, one that asked when it was idle for long", async () => {
    const { client: silent } = await opened({ headerMs: 40, idleMs: 60_000 });
    expect(await silent.ended).toBe("");
    const { client } = await opened({ idleMs: 40 });
    client.write(get("Host: a"));
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("that does not take its answers goes over to node:http, which stops to listen to it", async () => {
    const most = 5000;
    const answered: string[] = [];
    let next = Promise.withResolvers<undefined>();
    const note = (way: string): void => {
      answered.push(way);
      next.resolve(undefined);
    };
    const face: Face = {
      handler: (_, response) => {
        note("node");
        empty(response, 200);
      },
      plain: () => {
        note("lane");
        return { status: 200, headers: ["x-much", "a".repeat(60_000)] };
      },
    };
    const { port } = await serve(face);
    const client = await RawClient.to(port);
    client.socket.pause();
    while (answered.at(-1) !== "node" && answered.length < most) {
      next = Promise.withResolvers();
      client.write(get("Host: a"));
      await next.promise;
    }
    expect(answered.at(-1)).toBe("node");
  });

  /** A client that has asked once for more than a connection holds, and reads nothing. */
  const deaf = async () => {
    let heard = 0;
    const asked = Promise.withResolvers<undefined>();
    const plain = (): { status: number; headers: string[] } => {
      heard += 1;
      asked.resolve(undefined);
      return { status: 200, headers: ["x-much", "a".repeat(20_000_000)] };
    };
    const listener = await serve({ handler: byNode, plain });
    const client = await RawClient.to(listener.port);
    client.socket.pause();
    client.write(get("Host: a"));
    await asked.promise;
    return { listener, client, heard: () => heard };
  };
  const whole = /a\r\ncontent-length: 0\r\n.*\r\n\r\n$/s;

  test("that does not take its answers does not hold up the end", async () => {
    const { listener, client } = await deaf();
    await listener.drain(20);
    client.socket.resume();
    expect(await client.ended).not.toMatch(whole);
  });

  test("that is ended has every answer that was begun, and no request is heard any more", async () => {
    const { listener, client, heard } = await deaf();
    const drained = listener.drain(60_000);
    client.write(get("Host: a"));
    client.socket.resume();
    expect(await client.ended).toMatch(whole);
    await drained;
    expect(heard()).toBe(1);
  });

  test("that is idle ends when the listener drains", async () => {
    const { listener, client } = await opened();
    await client.write(get("Host: a")).says("x-way: lane");
    await listener.drain(60_000);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 /);
  });
});
