import { rm, stat, writeFile } from "node:fs/promises";
import { request, type ServerResponse } from "node:http";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendEmpty } from "../../src/http/answer.ts";
import { type Face, type Handler, type Limits, listen } from "../../src/http/listener.ts";
import { tempDir } from "../files/temp.ts";
import { RawClient, serve } from "./support/serve.ts";

const ok: Handler = (_, response) => sendEmpty(response, 200);
/** For whom a busy machine is to be no slow client. */
const patientMs = 60_000;
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describe("a hostile client", () => {
  test("with more header lines than allowed gets 431", async () => {
    const { port } = await serve(ok, { headerBytes: 2048 });
    const client = await RawClient.to(port);
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(4096)}\r\n\r\n`);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("with headers at the bound is served", async () => {
    const { port } = await serve(ok, { headerBytes: 32_768 });
    const client = await RawClient.to(port);
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(17_000)}\r\n\r\n`);
    expect(await client.says("content-length: 0")).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("that never ends its header is cut off with 408", async () => {
    const { port } = await serve(ok, { headerMs: 50, requestMs: 50 });
    const client = await RawClient.to(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    expect(await client.ended).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("that never says a word is cut off with 408", async () => {
    const { port } = await serve(ok, { headerMs: 50, requestMs: 50 });
    const client = await RawClient.to(port);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("that never ends its body is cut off", async () => {
    const reading: Handler = (incoming, response) => {
      incoming.resume().on("end", () => sendEmpty(response, 200));
    };
    const { port } = await serve(reading, { headerMs: 50, requestMs: 100 });
    const client = await RawClient.to(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab");
    expect(await client.ended).not.toContain(" 200 ");
  });

  test("is answered with a body where the face has one, and only where nothing is under way", async () => {
    const unreadable = (status: number) => ({ type: "text/plain", body: `it is ${status}` });
    const begun: Handler = (_, response) => void response.writeHead(200, ["content-length", "100"]).write("begun");
    const face: Face = { handler: begun, unreadable };
    const { port } = await serve(face, { headerBytes: 2048, headerMs: patientMs, requestMs: patientMs });
    const hasty = await serve(face, { headerMs: 50, requestMs: 50 });
    const answerTo = async (text: string, to = port): Promise<string> => (await RawClient.to(to)).write(text).ended;
    expect(await answerTo(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(4096)}\r\n\r\n`)).toBe(
      "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nit is 431",
    );
    const slow = await answerTo("GET / HTTP/1.1\r\nHost: a\r\nX: ", hasty.port);
    expect(slow).toMatch(/^HTTP\/1\.1 408 .*\r\n\r\nit is 408$/s);
    expect(await answerTo("\u0016\u0003\u0001\u0002\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 .*\r\n\r\nit is 400$/s);
    const client = await RawClient.to(port);
    await client.write(get).says("begun");
    expect(await client.write("\u0016\r\n\r\n").ended).not.toContain("it is");
  });

  test("that opens too many connections is not heard on the last one", async () => {
    const { port } = await serve(ok, { connections: 2 });
    const clients = [await RawClient.to(port), await RawClient.to(port)];
    for (const client of clients) await client.write(get).says("200 OK");
    const third = await RawClient.to(port);
    third.write(get);
    expect(await third.ended).toBe("");
    await clients[0]?.write(get).says("200 OK");
  });

  test("that asks and never asks again is closed when it has been idle for long", async () => {
    const { port } = await serve(ok, { idleMs: 50 });
    const client = await RawClient.to(port);
    client.write(get);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    ["a length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na"],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
    ["a folded line", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n x\r\n\r\n"],
    ["no HTTP", "\u0016\u0003\u0001\u0002\r\n\r\n"],
  ])("that sends %s gets 400", async (_, text) => {
    const { port } = await serve(ok);
    const client = await RawClient.to(port);
    client.write(text);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("drain", () => {
  test("answers what was begun, with Connection: close, and takes nothing new", async () => {
    const begun = Promise.withResolvers<undefined>();
    const go = Promise.withResolvers<undefined>();
    const slow: Handler = (_, response) => {
      begun.resolve(undefined);
      void go.promise.then(() => sendEmpty(response, 200));
    };
    const listener = await serve(slow);
    const client = await RawClient.to(listener.port);
    client.write(get);
    await begun.promise;
    const drained = listener.drain(60_000);
    const late = await RawClient.to(listener.port);
    expect(await late.ended).toBe("");
    go.resolve(undefined);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
    await drained;
  });

  test("ends idle connections at once, those that never said a word as well", async () => {
    const listener = await serve(ok);
    const [silent, client] = [await RawClient.to(listener.port), await RawClient.to(listener.port)];
    await client.write(get).says("200 OK");
    await listener.drain(60_000);
    await Promise.all([client.ended, silent.ended]);
  });

  test("ends what takes longer than it may", async () => {
    const begun = Promise.withResolvers<undefined>();
    const listener = await serve(() => begun.resolve(undefined));
    const client = await RawClient.to(listener.port);
    client.write(get);
    await begun.promise;
    await listener.drain(20);
    expect(await client.ended).toBe("");
  });

  test("gives more time than a timer of Node.js holds, where it is told so", async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    const listener = await serve((_, response) => begun.resolve(response));
    const client = await RawClient.to(listener.port);
    client.write(get);
    const response = await begun.promise;
    const drained = listener.drain(2 ** 40);
    // A timer that holds too much fires with the next ones
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    sendEmpty(response, 200);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 /);
    await drained;
  });

  test("tells an answer without an end, which comes to one in its own time", async () => {
    const streams = new Set<ServerResponse>();
    const handler: Handler = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      streams.add(response);
    };
    const onDrain = (): void => {
      for (const stream of streams) stream.end("data: last\n\n");
    };
    const listener = await serve({ handler, onDrain });
    const client = await RawClient.to(listener.port);
    await client.write(get).says("data: 1");
    await listener.drain(60_000);
    expect(await client.ended).toContain("data: last");
  });
});

describe("a connection that was upgraded", () => {
  const upgrade = "GET /s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

  /** Speaks lines after the upgrade: each comes back. */
  async function echo(over: Partial<Face> = {}, limits: Limits = {}) {
    const open = new Set<Duplex>();
    const face: Face = {
      handler: ok,
      upgrade: (_, socket, head) => {
        open.add(socket);
        socket.on("error", () => undefined).write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.unshift(head);
        socket.pipe(socket);
      },
      ...over,
    };
    return { open, listener: await serve(face, limits) };
  }

  test("is its owner's, without limits of time", async () => {
    const { listener, open } = await echo({}, { idleMs: 20, requestMs: patientMs, headerMs: patientMs });
    const client = await RawClient.to(listener.port);
    await client.write(upgrade).says("101 Switching");
    const [socket] = open;
    expect(socket).toMatchObject({ timeout: 0 });
    await client.write("hello\r\n").says("hello");
  });

  test("is told of the drain, and ends in its own time", async () => {
    const { listener, open } = await echo({
      onDrain: () => {
        for (const socket of open) socket.end("bye");
      },
    });
    const client = await RawClient.to(listener.port);
    await client.write(upgrade).says("101 Switching");
    await listener.drain(60_000);
    expect(await client.ended).toContain("bye");
  });

  test("is cut off when the drain's time is over", async () => {
    const { listener } = await echo();
    const client = await RawClient.to(listener.port);
    await client.write(upgrade).says("101 Switching");
    await listener.drain(20);
    await client.ended;
  });

  test("is an ordinary request where nobody takes it", async () => {
    const client = await RawClient.to((await serve(ok)).port);
    await client.write(upgrade).says("200 OK");
  });
});

describe("listen", () => {
  test("on a Unix socket lets user and group in, and replaces the socket of a process that was killed", async () => {
    const path = join(await tempDir(), "mint.sock");
    // Its end removes a socket: a crash is a socket that stays
    const dead = createServer().listen(path);
    await once(dead, "listening");
    onTestFinished(() => void dead.close());
    const listener = await listen({ kind: "unix", path }, { handler: ok });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    const [response] = (await once(request({ socketPath: path, path: "/" }).end(), "response")) as [
      { statusCode: number; resume(): void },
    ];
    response.resume();
    expect(response.statusCode).toBe(200);
    await listener.drain(0);
    await rm(path, { force: true });
  });

  test("never removes what is no socket", async () => {
    const path = join(await tempDir(), "file");
    await writeFile(path, "text");
    await expect(listen({ kind: "unix", path }, { handler: ok })).rejects.toMatchObject({
      code: "AddressUnusable",
      message: `Cannot listen on unix:${path}: something else listens there`,
    });
  });

  test("names an address that can't be had", async () => {
    const { port } = await serve(ok);
    await expect(listen({ kind: "tcp", host: "127.0.0.1", port }, { handler: ok })).rejects.toMatchObject({
      message: `Cannot listen on 127.0.0.1:${port}: something else listens there`,
    });
  });
});
