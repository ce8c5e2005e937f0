import { once } from "node:events";
import {
  createServer,
  get,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as send,
  type RequestOptions,
} from "node:http";
import { type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { RawClient } from "../../http/support/serve.ts";
import { FakeClock, turn } from "../../support/fake-clock.ts";
import { answerTo, bodyOf, proxied, tokenOf } from "./support/proxied.ts";

describe("the headers of a request", () => {
  async function passed(headers: readonly string[]): Promise<readonly string[]> {
    let raw: readonly string[] = [];
    const { port, upstreamPort } = await proxied((request, response) => {
      raw = request.rawHeaders;
      response.end();
    });
    await answerTo(get({ port, headers: ["Host", `localhost:${port}`, ...headers] }));
    const own = ["Host", `127.0.0.1:${upstreamPort}`, "Connection", "keep-alive"];
    return raw.filter((text, i) => !own.includes(text) && !/^authorization$/i.test(raw[i & ~1] ?? ""));
  }

  test("go on as they are, in their order and more than once", async () => {
    const headers = ["X-B", "1", "x-a", "2", "X-B", "3", "Cookie", "a=1; b=2", "Accept-Encoding", "br"];
    expect(await passed(headers)).toEqual(headers);
  });

  test("that hold for one connection end here", async () => {
    const hop = ["Keep-Alive", "1", "Proxy-Connection", "x", "TE", "trailers", "Proxy-Authorization", "Basic YTpi"];
    expect(await passed([...hop, "Connection", "X-Own, x-other", "X-Own", "1", "X-Other", "2", "X-A", "3"])).toEqual([
      "X-A",
      "3",
    ]);
  });

  test("keep a body's length, whatever Connection says", async () => {
    const { port } = await proxied((request, response) => {
      void bodyOf(request).then((body) => response.end(body));
    });
    const headers = ["Host", "localhost", "Connection", "content-length, host, authorization", "Content-Length", "3"];
    const request = send({ port, method: "POST", headers });
    expect(await bodyOf(await answerTo(request.end("abc")))).toBe("abc");
  });

  test.each([
    { method: "POST", length: "0" },
    { method: "PROPFIND", length: "0" },
    { method: "DELETE", length: undefined },
    { method: "GET", length: undefined },
  ])("say that there is no body, where a server would wait for one: $method", async ({ method, length }) => {
    const heads: IncomingHttpHeaders[] = [];
    const { port } = await proxied((request, response) => {
      heads.push(request.headers);
      response.end();
    });
    const client = await RawClient.to(port);
    await client.write(`${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`).ended;
    expect(heads.map((head) => [head["content-length"], head["transfer-encoding"]])).toEqual([[length, undefined]]);
  });

  test("bring no Via and no word about who asked: the upstream sees what the application would have sent", async () => {
    expect(await passed([])).toEqual([]);
  });
});

describe("the headers of an answer", () => {
  test("that hold for one connection end here", async () => {
    const { url } = await proxied((_, response) => {
      const hop = ["Proxy-Authenticate", "Basic", "Connection", "close, X-Own", "X-Own", "1", "Upgrade", "h2c"];
      response.writeHead(200, ["X-A", "1", ...hop]);
      response.end("x");
    });
    const { headers } = await answerTo(get(url, { agent: false, headers: { connection: "keep-alive" } }));
    expect(headers).toMatchObject({ "x-a": "1", connection: "keep-alive" });
    for (const name of ["proxy-authenticate", "x-own", "upgrade"]) expect(headers).not.toHaveProperty(name);
  });

  test.each([
    { base: "", location: "ORIGIN/a?b", leads: "/a?b" },
    { base: "/v1", location: "ORIGIN/v1/a", leads: "/a" },
    { base: "/v1", location: "/v1/a", leads: "/a" },
    { base: "/v1", location: "/v1", leads: "/" },
    { base: "/v1", location: "/v10", leads: "ORIGIN/v10" },
    { base: "/v1", location: "/other", leads: "ORIGIN/other" },
    { base: "", location: "a/b", leads: "a/b" },
    { base: "", location: "//other.example/a", leads: "//other.example/a" },
    { base: "", location: "https://other.example/a", leads: "https://other.example/a" },
  ])("lead by way of the proxy where they lead to the upstream: $base $location", async (row) => {
    const { base, location, leads } = row;
    let origin = "";
    const server = createServer((request, response) => {
      origin = `http://${request.headers.host ?? ""}`;
      response.writeHead(302, ["Location", location.replace("ORIGIN", origin)]).end();
    });
    const { port, upstreamPort } = await proxied(server, { base });
    const { headers, statusCode } = await answerTo(get({ port, path: "/x" }));
    expect([statusCode, headers.location]).toEqual([302, leads.replace("ORIGIN", `http://127.0.0.1:${upstreamPort}`)]);
  });
});

test("a path of the upstream's address stands before each path", async () => {
  const { port } = await proxied((request, response) => response.end(request.url), { base: "/v1/" });
  expect(await bodyOf(await answerTo(get({ port, path: "//a/../b?c=%2F" })))).toBe("/v1//a/../b?c=%2F");
});

describe("a body", () => {
  test("without an announced length goes on in chunks, trailers after it; and so does an answer", async () => {
    const { url } = await proxied((request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(200, ["Trailer", "X-After"]);
        response.write(
          `${body} ${request.headers["transfer-encoding"] ?? ""} ${request.trailers["x-sum"]?.toString() ?? ""}`,
        );
        response.addTrailers([["X-After", "8"]]);
        response.end();
      });
    });
    const request = send(url, { method: "POST", headers: { trailer: "X-Sum" } });
    request.write("abc");
    request.addTrailers({ "X-Sum": "7" });
    const message = await answerTo(request.end());
    expect(await bodyOf(message)).toBe("abc chunked 7");
    expect(message.trailers).toEqual({ "x-after": "8" });
  });

  test("has no trailers after it that say whose it is, or hold for one connection; and neither has an answer", async () => {
    const own = { "X-Sum": "7" };
    const others = { Authorization: "Bearer x", "Proxy-Authorization": "x", Connection: "close", Host: "x" };
    const heard: NodeJS.Dict<string>[] = [];
    const { url } = await proxied((request, response) => {
      void bodyOf(request).then(() => {
        heard.push(request.trailers);
        response.writeHead(200, ["Transfer-Encoding", "chunked"]);
        response.write("a");
        response.addTrailers({ ...own, ...others });
        response.end();
      });
    });
    const request = send(url, { method: "POST" });
    request.write("abc");
    request.addTrailers({ ...own, ...others });
    const message = await answerTo(request.end());
    await bodyOf(message);
    expect([heard, message.trailers]).toEqual([[{ "x-sum": "7" }], { "x-sum": "7" }]);
  });

  test("of an answer to HEAD is not there, its length is", async () => {
    const { url } = await proxied((_, response) => response.writeHead(200, ["Content-Length", "5"]).end());
    for (let again = 0; again < 2; again++) {
      const message = await answerTo(send(url, { method: "HEAD" }).end());
      expect([message.headers["content-length"], await bodyOf(message)]).toEqual(["5", ""]);
    }
  });

  test.each([204, 304])("of a %d is none, and the connection is used again", async (status) => {
    const { url } = await proxied((_, response) => response.writeHead(status).end());
    for (let again = 0; again < 2; again++) {
      const message = await answerTo(get(url));
      expect([message.statusCode, await bodyOf(message)]).toEqual([status, ""]);
    }
  });

  test("that an application of HTTP/1.0 gets ends with its connection", async () => {
    const { port } = await proxied((_, response) => {
      response.write("one");
      response.end("two");
    });
    const client = await RawClient.to(port);
    const answer = await client.write("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").ended;
    expect(answer).not.toContain("chunked");
    expect(answer).toMatch(/\r\n\r\nonetwo$/);
  });

  test("of events comes as it is sent, its head before the first", async () => {
    const { url } = await proxied((_, response) => {
      response.writeHead(200, ["Content-Type", "text/event-stream"]).flushHeaders();
      upstream.resolve(response);
    });
    const upstream = Promise.withResolvers<{ write(text: string): unknown }>();
    const message = await answerTo(get(url));
    for (const text of ["data: 1\n\n", "data: 2\n\n"]) {
      (await upstream.promise).write(text);
      expect(String((await once(message, "data"))[0])).toBe(text);
    }
  });

  test("is taken no faster than the upstream takes it, and no faster than the application", async () => {
    const size = 64 * 1024 * 1024;
    const held = Promise.withResolvers<IncomingMessage>();
    const { url } = await proxied((request, response) => {
      held.resolve(request);
      request.on("end", () => response.end(Buffer.alloc(size)));
    });
    const request = send(url, { method: "POST", headers: { "content-length": size } });
    request.write(Buffer.alloc(size));
    const upstream = await held.promise;
    // Nobody reads: all there is between both ends fills up
    await stalled(() => upstream.socket.bytesRead);
    expect(upstream.socket.bytesRead).toBeLessThan(size / 2);
    upstream.resume();
    const message = await answerTo(request.end());
    await stalled(() => message.socket.bytesRead);
    expect(message.socket.bytesRead).toBeLessThan(size / 2);
    expect((await bodyOf(message)).length).toBe(size);
  });
});

describe("an answer before the answer", () => {
  test("100 comes when the upstream says it, and the body after it", async () => {
    const server = createServer();
    const waiting = Promise.withResolvers<() => void>();
    server.on("checkContinue", (request: IncomingMessage, response) => {
      waiting.resolve(() => response.writeContinue());
      void bodyOf(request).then((body) => response.end(body));
    });
    const { url } = await proxied(server, {}, { clock: new FakeClock() });
    const request = send(url, { method: "POST", headers: { expect: "100-continue", "content-length": 3 } });
    request.flushHeaders();
    const go = await waiting.promise;
    go();
    await once(request, "continue");
    expect(await bodyOf(await answerTo(request.end("abc")))).toBe("abc");
  });

  test("100 comes from the proxy where the upstream says none for a second", async () => {
    const server = createServer();
    const there = Promise.withResolvers<undefined>();
    server.on("checkContinue", (request: IncomingMessage, response) => {
      there.resolve(undefined);
      void bodyOf(request).then((body) => response.end(body));
    });
    const clock = new FakeClock();
    const { url } = await proxied(server, {}, { clock });
    const request = send(url, { method: "POST", headers: { expect: "100-continue", "content-length": 3 } });
    request.flushHeaders();
    const continued = once(request, "continue");
    await there.promise;
    await clock.advance(1000);
    await continued;
    expect(await bodyOf(await answerTo(request.end("abc")))).toBe("abc");
  });

  test("no 100 comes where the upstream refuses the body", async () => {
    const server = createServer();
    server.on("checkContinue", (_, response) => response.writeHead(413).end());
    const { url } = await proxied(server);
    const request = send(url, { method: "POST", headers: { expect: "100-continue", "content-length": 3 } });
    request.on("continue", () => expect.unreachable());
    request.flushHeaders();
    expect((await answerTo(request)).statusCode).toBe(413);
    request.destroy();
  });

  test("103 is passed on", async () => {
    const { url } = await proxied((_, response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload", "x-a": "1" });
      response.end();
    });
    const request = get(url);
    const answer = answerTo(request);
    const [hints] = (await once(request, "information")) as [IncomingMessage];
    expect([hints.statusCode, hints.headers]).toEqual([103, { link: "</a.css>; rel=preload", "x-a": "1" }]);
    expect((await answer).statusCode).toBe(200);
  });
});

describe("another protocol", () => {
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "abc" };

  function echoing(accepts: (request: IncomingMessage) => boolean) {
    const server = createServer();
    server.on("upgrade", (request: IncomingMessage, socket, head: Buffer) => {
      if (!accepts(request)) {
        socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        return;
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Token: ${tokenOf(request)}\r\n\r\n`,
      );
      socket.write(head);
      socket.pipe(socket);
    });
    return server;
  }

  async function switched(options: RequestOptions): Promise<[IncomingMessage, Socket]> {
    const [message, socket] = (await once(get(options), "upgrade")) as [IncomingMessage, Socket];
    return [message, socket];
  }

  test("is passed through with the token, both ways, until one ends it", async () => {
    const server = echoing(() => true);
    const { port, answered } = await proxied(server);
    const [message, socket] = await switched({ port, headers: upgrade });
    expect(message.headers).toMatchObject({ upgrade: "websocket", connection: "Upgrade", "x-token": "shop-1" });
    for (const text of ["hello", "again"]) {
      socket.write(text);
      expect(String((await once(socket, "data"))[0])).toBe(text);
    }
    expect(answered).toEqual([{ status: 101 }]);
    const ended = once(socket, "close");
    server.closeAllConnections();
    socket.end();
    await ended;
  });

  test("what comes at once with the request is not lost", async () => {
    const { port } = await proxied(echoing(() => true));
    const client = await RawClient.to(port);
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly");
    expect(await client.says("early")).toContain("101 Switching Protocols");
    client.write("late");
    await client.says("late");
  });

  test("an application that goes away ends the upstream's connection", async () => {
    const gone = Promise.withResolvers<undefined>();
    const server = echoing(() => true);
    server.on("upgrade", (_, socket) => socket.on("close", () => gone.resolve(undefined)));
    const { port } = await proxied(server);
    const [, socket] = await switched({ port, headers: upgrade });
    socket.destroy();
    await gone.promise;
  });

  test("a refused token is renewed once for it, too", async () => {
    const { port, answered } = await proxied(echoing((request) => tokenOf(request) !== "shop-1"));
    const [message, socket] = await switched({ port, headers: upgrade });
    expect(message.headers["x-token"]).toBe("shop-2");
    expect(answered).toEqual([{ status: 101, refusal: "repeated" }]);
    socket.destroy();
  });

  test("an upstream that refuses it is heard", async () => {
    const { port } = await proxied(echoing(() => false));
    const message = await answerTo(get({ port, headers: upgrade }));
    expect([message.statusCode, await bodyOf(message)]).toEqual([401, "no"]);
  });

  test("a body with it is refused: where it ends nobody knows", async () => {
    const { port } = await proxied(echoing(() => true));
    const client = await RawClient.to(port);
    const head =
      "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc";
    expect(await client.write(head).ended).toContain("UpgradeWithBody");
  });

  test("h2c is not taken: the request is answered as any other", async () => {
    const { port } = await proxied((request, response) => response.end(request.headers.upgrade ?? "none"));
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" };
    expect(await bodyOf(await answerTo(get({ port, headers })))).toBe("none");
  });
});

/** Resolves when the number has not grown for many turns of the event loop: nothing moves. */
async function stalled(count: () => number): Promise<void> {
  let before = -1;
  for (let quiet = 0; quiet < 1000;) {
    await turn();
    quiet = count() === before ? quiet + 1 : 0;
    before = count();
  }
}
