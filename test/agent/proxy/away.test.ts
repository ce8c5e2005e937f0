import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChangeNeededError, TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { answerTo, bodyOf, proxied, type Proxied } from "./support/proxied.ts";

interface Told {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly code: string;
  readonly detail: string | undefined;
}

async function problemOf(message: IncomingMessage): Promise<Told> {
  const { code, detail } = JSON.parse(await bodyOf(message)) as Pick<Told, "code" | "detail">;
  return { status: message.statusCode, type: message.headers["content-type"], code, detail };
}

const type = "application/problem+json";

/** Neither the log nor what is answered names a token. */
async function keepsSecrets({ identity, logged, answered }: Proxied, told: Told): Promise<void> {
  identity.failure = undefined;
  const { accessToken } = await identity.token();
  expect(JSON.stringify([told, logged, answered])).not.toContain(accessToken.slice(0, 20));
}

describe("an upstream that is away", () => {
  test("is 502 UpstreamAway", async () => {
    const world = await proxied(createServer(), { upstream: new URL("http://127.0.0.1:1/") });
    const told = await problemOf(await answerTo(get(world.url)));
    expect(told).toEqual({ status: 502, type, code: "UpstreamAway", detail: "nothing listens on 127.0.0.1:1" });
    expect(world.answered).toEqual([{ status: 502, code: "UpstreamAway" }]);
    await keepsSecrets(world, told);
  });

  test.each(["200 a\u0001b", "099 early", "000 none", "101 unasked"])(
    "that answers what HTTP does not know (%j) is 502 UpstreamBroke, and no end of the agent",
    async (statusLine) => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.write(`HTTP/1.1 ${statusLine}\r\nContent-Length: 0\r\n\r\n`));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const world = await proxied(createServer(), { upstream: new URL(`http://127.0.0.1:${port}/`) });
      const told = await problemOf(await answerTo(get(world.url)));
      expect(told).toEqual({ status: 502, type, code: "UpstreamBroke", detail: "InvalidStatusLine" });
    },
  );

  test("or has no address, is 502 UpstreamAway", async () => {
    const world = await proxied(createServer(), { upstream: new URL("http://nobody.invalid/") });
    expect(await problemOf(await answerTo(get(world.url)))).toMatchObject({ status: 502, code: "UpstreamAway" });
  });

  test("that ends the connection instead of an answer is 502 UpstreamBroke, a body or not", async () => {
    const world = await proxied((request) => request.socket.destroy());
    const told = await problemOf(await answerTo(get(world.url)));
    expect(told).toEqual({ status: 502, type, code: "UpstreamBroke", detail: "the other side closed it" });
    const request = send(world.url, { method: "POST" }).end(Buffer.alloc(10_000_000));
    expect(await problemOf(await answerTo(request))).toMatchObject({ status: 502, code: "UpstreamBroke" });
    await keepsSecrets(world, told);
  });

  test("that never answers is 504 UpstreamSilent", async () => {
    const clock = new FakeClock();
    const world = await proxied(() => void clock.armed(600_000).then(() => clock.advance(600_000)), {}, { clock });
    const told = await problemOf(await answerTo(get(world.url)));
    expect(told).toEqual({ status: 504, type, code: "UpstreamSilent", detail: "it says nothing for too long" });
    await keepsSecrets(world, told);
  });

  test("may say its answer as slowly as it likes", async () => {
    const clock = new FakeClock();
    const upstream = Promise.withResolvers<ServerResponse>();
    const { url } = await proxied(
      (_, response) => {
        response.write("a");
        upstream.resolve(response);
      },
      {},
      { clock },
    );
    const message = await answerTo(get(url));
    await once(message, "data");
    await clock.advance(86_400_000);
    (await upstream.promise).end("b");
    expect(await bodyOf(message)).toBe("b");
  });

  test("that breaks in the middle of an answer breaks it for the application as well", async () => {
    const upstream = Promise.withResolvers<ServerResponse>();
    const { url } = await proxied((_, response) => {
      response.write("a");
      upstream.resolve(response);
    });
    const message = await answerTo(get(url));
    await once(message, "data");
    (await upstream.promise).destroy();
    await expect(bodyOf(message)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(message.complete).toBe(false);
  });

  test("that answers before the body has come is heard, and the connection is used again", async () => {
    const { url } = await proxied((_, response) => response.writeHead(413).end("large"));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let again = 0; again < 2; again++) {
      const message = await answerTo(send(url, { method: "POST", agent }).end(Buffer.alloc(5_000_000)));
      expect([message.statusCode, await bodyOf(message)]).toEqual([413, "large"]);
    }
  });
});

describe("a connection that the upstream has closed while it was kept", () => {
  /** Answers the first request of each connection, and closes it when a second one comes. */
  function closingAtSecond(seen: string[]) {
    const server = createTcpServer((socket: Socket) => {
      let count = 0;
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        count += 1;
        seen.push(data.toString("latin1").split(" ", 1)[0] ?? "");
        if (count === 2) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
    });
    return server;
  }

  async function behind(seen: string[]): Promise<string> {
    const server = closingAtSecond(seen).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return (await proxied(createServer(), { upstream: new URL(`http://127.0.0.1:${port}`) })).url;
  }

  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])(
    "costs a %s nothing: it is asked once more",
    async (method) => {
      const seen: string[] = [];
      const url = await behind(seen);
      for (let again = 0; again < 2; again++) {
        const message = await answerTo(send(url, { method }).end());
        expect(message.statusCode).toBe(200);
        message.resume();
        await once(message, "end");
      }
      expect(seen).toEqual([method, method, method]);
    },
  );

  test("is 502 for a POST: it may have been done", async () => {
    const seen: string[] = [];
    const url = await behind(seen);
    for (const status of [200, 502]) {
      const message = await answerTo(send(url, { method: "POST" }).end());
      expect(message.statusCode).toBe(status);
      message.resume();
      await once(message, "end");
    }
    expect(seen).toEqual(["POST", "POST"]);
  });
});

describe("an application that goes away", () => {
  test("while the upstream thinks, ends the upstream's request", async () => {
    const thinking = Promise.withResolvers<ServerResponse>();
    const { url, answered } = await proxied((_, response) => thinking.resolve(response));
    const request = get(url);
    request.on("error", () => undefined);
    const upstream = await thinking.promise;
    const closed = once(upstream, "close");
    request.destroy();
    await closed;
    expect(answered).toEqual([]);
  });

  test("in the middle of an answer, ends the upstream's", async () => {
    const upstream = Promise.withResolvers<ServerResponse>();
    const { url } = await proxied((_, response) => {
      response.write("a");
      upstream.resolve(response);
    });
    const message = await answerTo(get(url));
    message.on("error", () => undefined);
    const closed = once(await upstream.promise, "close");
    message.destroy();
    await closed;
  });

  test("in the middle of its body, ends the upstream's", async () => {
    const upstream = Promise.withResolvers<IncomingMessage>();
    const { url } = await proxied((request) => upstream.resolve(request));
    const request = send(url, { method: "POST", headers: { "content-length": 10 } });
    request.on("error", () => undefined);
    request.write("a");
    const message = await upstream.promise;
    message.on("error", () => undefined);
    const closed = new Promise((resolve) => {
      message.on("close", resolve);
    });
    request.destroy();
    await closed;
    expect(message.complete).toBe(false);
  });

  test("while its token is renewed, asks the upstream nothing", async () => {
    let asked = 0;
    const { url, identity } = await proxied((_, response) => {
      asked += 1;
      response.end();
    });
    const token = identity.token.bind(identity);
    const waiting = Promise.withResolvers<undefined>();
    const renewed = Promise.withResolvers<undefined>();
    identity.token = async () => {
      waiting.resolve(undefined);
      await renewed.promise;
      return token();
    };
    const request = get(url, { agent: false });
    request.on("error", () => undefined);
    await waiting.promise;
    request.destroy();
    identity.token = token;
    // The proxy has seen the end of the first as soon as it has answered another
    await answerTo(get(url));
    renewed.resolve(undefined);
    await answerTo(get(url));
    expect(asked).toBe(2);
  });
});

describe("no token", () => {
  test("while the issuer is away: 503 IssuerAway, with when to come again", async () => {
    const clock = new FakeClock();
    const world = await proxied(createServer(), {}, { clock });
    world.identity.failure = new TryLaterError("Unreachable", "Cannot renew: the issuer is away");
    world.identity.told = { nextAtMs: clock.nowMs() + 4100 };
    const message = await answerTo(get(world.url));
    expect(message.headers["retry-after"]).toBe("5");
    const told = await problemOf(message);
    const detail = "Unreachable: Cannot renew: the issuer is away";
    expect(told).toEqual({ status: 503, type, code: "IssuerAway", detail });
    await keepsSecrets(world, told);
  });

  test("since the issuer says no: 503 TokenRefused, and coming again does not help", async () => {
    const { url, identity } = await proxied(createServer());
    identity.failure = new ChangeNeededError("GrantEnded", "Cannot renew: the grant has ended");
    const message = await answerTo(get(url));
    expect(message.headers).not.toHaveProperty("retry-after");
    expect(await problemOf(message)).toMatchObject({ status: 503, code: "TokenRefused" });
  });

  test("since there is no such identity: 503 IdentityUnknown", async () => {
    const { url } = await proxied(createServer(), { identity: "nobody" });
    expect(await problemOf(await answerTo(get(url)))).toMatchObject({ status: 503, code: "IdentityUnknown" });
  });

  test("since something failed that must not: 500, and neither it nor a token is told", async () => {
    const { url, identity, logged } = await proxied(createServer());
    identity.token = () => Promise.reject(new TypeError("eyJsecret"));
    const told = await problemOf(await answerTo(get(url)));
    expect(told).toMatchObject({ status: 500, code: "ProxyFailed" });
    expect(JSON.stringify([told, logged])).not.toContain("eyJ");
  });

  test("since the proxy itself fails: 500 as well, and it is counted", async () => {
    const { url, identity, answered } = await proxied(createServer());
    identity.token = () => Promise.reject(new ChangeNeededError("GrantEnded", "Cannot renew: the grant has ended"));
    identity.status = () => {
      throw new TypeError("a defect");
    };
    expect(await problemOf(await answerTo(get(url)))).toMatchObject({ status: 500, code: "ProxyFailed" });
    expect(answered).toEqual([{ status: 500, code: "ProxyFailed" }]);
  });
});
