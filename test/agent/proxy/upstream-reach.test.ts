import { once } from "node:events";
import { createServer, get, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../hack/free-port.ts";
import { answerTo, bodyOf, opened, proxied } from "./support/proxied.ts";

/** A proxy to an upstream that is away; `comes` lets it come, `asks` is the status of one request. */
async function away() {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const { url, logged } = await proxied(createServer(), { upstream: new URL(origin) });
  const comes = async (answer: RequestListener) => {
    const server = createServer(answer).listen(port, "127.0.0.1");
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    await once(server, "listening");
    return async (): Promise<void> => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    };
  };
  const asks = async (): Promise<number | undefined> => {
    const message = await answerTo(get(url, { agent: false }));
    await bodyOf(message);
    return message.statusCode;
  };
  return { origin, logged, comes, asks };
}

const ok: RequestListener = (_, response) => void response.end();
const isGone = (line: string): boolean => line.includes("the upstream can't be reached");
const isBack = (line: string): boolean => line.includes("the upstream is back");

describe("an upstream that goes away and comes back", () => {
  test("is said once each, whatever the number of requests, and each time anew", async () => {
    const { origin, logged, comes, asks } = await away();
    for (let count = 0; count < 3; count += 1) expect(await asks()).toBe(502);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(`"upstream":"${origin}","why":"nothing listens on ${new URL(origin).host}"`);
    const goes = await comes(ok);
    for (let count = 0; count < 3; count += 1) expect(await asks()).toBe(200);
    expect(logged).toHaveLength(2);
    expect(logged[1]).toContain("the upstream is back");
    await goes();
    for (let count = 0; count < 3; count += 1) expect(await asks()).toBe(502);
    expect(logged.map((line) => [isGone(line), isBack(line)])).toEqual([
      [true, false],
      [false, true],
      [true, false],
    ]);
  });

  test("is not what breaks while it answers", async () => {
    const { logged, comes, asks } = await away();
    await comes((request) => request.socket.destroy());
    expect(await asks()).toBe(502);
    expect(logged).toEqual([]);
  });

  test("is not back by an answer to what was asked before it went", async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const server = createServer((_, response) => asked.resolve(response));
    const port = await opened(server, await freePort());
    const slow = await proxied(createServer(), { upstream: new URL(`http://127.0.0.1:${port}`) });
    const late = answerTo(get(slow.url, { agent: false }));
    const response = await asked.promise;
    // Takes no new connection, and lets the one that is open come to its end
    server.close();
    const lost = await answerTo(get(slow.url, { agent: false }));
    await bodyOf(lost);
    expect(slow.logged.filter(isGone)).toHaveLength(1);
    response.end();
    expect((await late).statusCode).toBe(200);
    expect(slow.logged.filter(isBack)).toEqual([]);
  });
});

test("an application that gives up while the upstream is being connected is no upstream that is away", async () => {
  const silent = createTcpServer();
  const connected = once(silent, "connection");
  silent.listen(await freePort(), "127.0.0.1");
  await once(silent, "listening");
  // It never says its part of the TLS handshake
  const upstream = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const { url, logged } = await proxied(createServer(), { upstream });
  const request = get(url, { agent: false });
  request.on("error", () => undefined);
  const [socket] = (await connected) as [Socket];
  const closed = once(socket.on("error", () => undefined).resume(), "close");
  request.destroy();
  await closed;
  silent.close();
  await once(silent, "close");
  // The first that is said is the first that was none of the application's doing
  await bodyOf(await answerTo(get(url, { agent: false })));
  expect(logged.filter(isGone)).toEqual([expect.stringContaining("nothing listens on ")]);
});
