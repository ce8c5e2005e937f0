import { once } from "node:events";
import { createServer, get, type IncomingMessage, request as send } from "node:http";
import { describe, expect, test } from "vitest";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { answerTo, bodyOf, proxied, tokenOf } from "./support/proxied.ts";

/** Refuses the first token, and says what it saw. */
function refusingFirst(seen: string[], challenge?: string) {
  return createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push(`${tokenOf(request)} ${body.length}`);
      const isRefused = tokenOf(request) === "shop-1";
      response.writeHead(isRefused ? 401 : 200, challenge === undefined ? [] : ["WWW-Authenticate", challenge]);
      response.end(tokenOf(request));
    });
  });
}

const once1 = ["renewed", "token", "refused shop-1", "renewed"];

describe("a token that the upstream refuses", () => {
  test.each([0, 1, 65_536])(
    "is renewed once, and the request goes once more with its body of %d bytes",
    async (length) => {
      const seen: string[] = [];
      const { url, identity, answered } = await proxied(refusingFirst(seen));
      const message = await answerTo(send(url, { method: "POST" }).end(Buffer.alloc(length)));
      expect([message.statusCode, await bodyOf(message)]).toEqual([200, "shop-2"]);
      expect(seen).toEqual([`shop-1 ${length}`, `shop-2 ${length}`]);
      expect(identity.asked).toEqual(once1);
      expect(answered).toEqual([{ status: 200, refusal: "repeated" }]);
    },
  );

  test("is renewed for a body that is too large to keep, too; but its 401 is passed on", async () => {
    const seen: string[] = [];
    const { url, identity, answered } = await proxied(refusingFirst(seen));
    const large = () => send(url, { method: "POST" }).end(Buffer.alloc(65_537));
    expect((await answerTo(large())).statusCode).toBe(401);
    expect(identity.asked).toEqual(once1);
    expect(answered).toEqual([{ status: 401, refusal: "unrepeatable" }]);
    expect((await answerTo(large())).statusCode).toBe(200);
    expect(seen).toEqual(["shop-1 65537", "shop-2 65537"]);
  });

  test("goes once more for a body in chunks that was there and small, and not for one without an end", async () => {
    const { url, answered } = await proxied(refusingFirst([]));
    const whole = send(url, { method: "POST" });
    whole.write("abc");
    whole.end("def");
    expect((await answerTo(whole)).statusCode).toBe(200);
    const early = await proxied((request, response) => response.writeHead(401).end(tokenOf(request)));
    const open = send(early.url, { method: "POST" });
    open.write("abc");
    expect((await answerTo(open)).statusCode).toBe(401);
    open.destroy();
    expect([...answered, ...early.answered]).toEqual([
      { status: 200, refusal: "repeated" },
      { status: 401, refusal: "unrepeatable" },
    ]);
  });

  test("an announced body that is small is waited for, where the upstream refuses before it has come", async () => {
    const refusedEarly = Promise.withResolvers<undefined>();
    const { url } = await proxied((request, response) => {
      if (tokenOf(request) !== "shop-1") return void bodyOf(request).then((body) => response.end(body));
      response.writeHead(401).end();
      refusedEarly.resolve(undefined);
    });
    const request = send(url, { method: "POST", headers: { "content-length": 6 } });
    request.write("abc");
    await refusedEarly.promise;
    expect(await bodyOf(await answerTo(request.end("def")))).toBe("abcdef");
  });

  test("costs a large body nothing that waits for a 100: it goes with the second token", async () => {
    const server = createServer();
    const seen: string[] = [];
    server.on("checkContinue", (request: IncomingMessage, response) => {
      seen.push(tokenOf(request));
      if (tokenOf(request) === "shop-1") return void response.writeHead(401).end();
      response.writeContinue();
      return void bodyOf(request).then((body) => response.end(String(body.length)));
    });
    const { url } = await proxied(server, {}, { clock: new FakeClock() });
    const request = send(url, { method: "POST", headers: { expect: "100-continue", "content-length": 1_000_000 } });
    request.flushHeaders();
    await once(request, "continue");
    expect(await bodyOf(await answerTo(request.end(Buffer.alloc(1_000_000))))).toBe("1000000");
    expect(seen).toEqual(["shop-1", "shop-2"]);
  });

  test("is no loop where every one is refused: the second answer is passed on", async () => {
    const { url, identity, answered } = await proxied((request, response) => {
      response.writeHead(401, ["X-A", "1"]).end(tokenOf(request));
    });
    const message = await answerTo(get(url));
    expect([message.statusCode, message.headers["x-a"], await bodyOf(message)]).toEqual([401, "1", "shop-2"]);
    expect(identity.asked).toEqual(once1);
    expect(answered).toEqual([{ status: 401, refusal: "repeated" }]);
  });

  test("stands where there is no other one: the answer is passed on whole", async () => {
    const { url, identity, answered } = await proxied((_, response) => {
      identity.failure = new TryLaterError("Away", "Cannot renew");
      response.writeHead(401).end("refused");
    });
    const message = await answerTo(get(url));
    expect([message.statusCode, await bodyOf(message)]).toEqual([401, "refused"]);
    expect(answered).toEqual([{ status: 401, refusal: "noOther" }]);
  });

  test("is renewed once for all who hear it at once", async () => {
    const waiting: (() => void)[] = [];
    const { url, identity, answered } = await proxied((request, response) => {
      if (tokenOf(request) !== "shop-1") return void response.end();
      waiting.push(() => response.writeHead(401).end());
      // All have the old one before anybody hears of it
      if (waiting.length === 20) for (const refuse of waiting) refuse();
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => answerTo(get(url, { agent: false }))));
    expect(new Set(all.map((one) => one.statusCode))).toEqual(new Set([200]));
    expect(identity.asked.filter((one) => one === "renewed")).toHaveLength(2);
    expect(answered).toHaveLength(20);
  });
});

describe("a 401 is about the token", () => {
  test.each([
    "Bearer",
    'Bearer error="invalid_token"',
    "bearer realm=a, error=invalid_token",
    'Basic realm="a", Bearer realm="b"',
  ])("%s", async (challenge) => {
    const { url } = await proxied(refusingFirst([], challenge));
    expect((await answerTo(get(url))).statusCode).toBe(200);
  });

  test.each([
    "Basic",
    "DPoP",
    'Bearer error="insufficient_scope"',
    'Bearer error="invalid_request"',
    'Digest realm="bearer"',
  ])("but not %s: another token helps nothing", async (challenge) => {
    const { url, identity } = await proxied(refusingFirst([], challenge));
    const message = await answerTo(get(url));
    expect([message.statusCode, message.headers["www-authenticate"]]).toEqual([401, challenge]);
    expect(identity.asked).toEqual(["renewed", "token"]);
  });

  test.each([400, 403, 407, 500])("but not %d", async (status) => {
    const { url, identity } = await proxied((_, response) => response.writeHead(status).end());
    expect((await answerTo(get(url))).statusCode).toBe(status);
    expect(identity.asked).toEqual(["renewed", "token"]);
  });
});
