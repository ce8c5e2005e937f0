import { once } from "node:events";
import { Agent, createServer, type RequestListener } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { portOf } from "../../src/http/address.ts";
import { Exchange } from "../../src/http/exchange.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** With a connection that is kept. */
async function exchangeWith(answer: RequestListener): Promise<Exchange> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => {
    agent.destroy();
    server.close();
  });
  const errors = {
    timedOut: () => new Error("timed out"),
    broken: (problem: string) => new Error(problem),
    stopped: () => new Error("stopped"),
  };
  const url = new URL(`http://127.0.0.1:${portOf(server)}/`);
  return new Exchange({ url, method: "GET", headers: {}, agent, errors, timeoutMs: 5000, clock: new FakeClock() });
}

describe("Exchange", () => {
  test("gives the body as text, and leaves nothing of it with a connection that is kept", async () => {
    const exchange = await exchangeWith((_request, response) => {
      response.write("gr");
      response.end("ün");
    });
    const head = await exchange.head();
    const listening = (): readonly number[] => ["data", "end", "close"].map((name) => head.listenerCount(name));
    const before = listening();
    expect(await exchange.text(head)).toBe("grün");
    // Node.js keeps the first answer of a connection as long as that: what listens to it would keep the chunks and the text
    expect(listening()).toEqual(before);
  });

  test.each([
    ["by an error", new Error("cut")],
    ["without one", undefined],
  ])("fails when the body is cut off %s", async (_how, error) => {
    const exchange = await exchangeWith((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
    });
    const head = await exchange.head();
    const text = exchange.text(head);
    head.destroy(error);
    await expect(text).rejects.toThrow("the connection broke");
  });
});
