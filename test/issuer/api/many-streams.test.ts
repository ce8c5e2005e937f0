import { Agent, get, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ruleWith } from "../support/token-issuers.ts";
import { type IssuerWorld, newIssuerWorld, specWith } from "./support/world.ts";

let world: IssuerWorld;
let url: URL;
const agent = new Agent({ maxSockets: Infinity });
beforeEach(async () => {
  world = await newIssuerWorld({ mostASecond: 100_000 });
  const allow = { audiences: ["api"], watchRevocations: true, requestRate: 10_000 };
  await world.allow(specWith({ trust: { rules: [ruleWith({ allow })] } }));
  url = new URL("/v1/revocations", await world.api.listen({ port: 0, host: "127.0.0.1" }));
});
afterEach(async () => {
  agent.destroy();
  await world[Symbol.asyncDispose]();
});

/** One gateway, and what it was told. */
class Reader {
  text = "";
  readonly answer: IncomingMessage;
  #wake: () => void = () => undefined;

  private constructor(answer: IncomingMessage) {
    this.answer = answer;
    answer.on("error", () => undefined);
    answer.setEncoding("utf8").on("data", (chunk: string) => {
      this.text += chunk;
      this.#wake();
    });
  }

  static open(authorization: string): Promise<Reader> {
    const headers = { accept: "text/event-stream", authorization };
    return new Promise((resolve, reject) => {
      get(url, { agent, headers }, (answer) => resolve(new Reader(answer))).on("error", reject);
    });
  }

  async hears(part: string): Promise<void> {
    for (;;) {
      if (this.text.includes(part)) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      await promise;
    }
  }
}

describe("a thousand gateways", () => {
  it("hear of each revocation; one more is told to come again", async () => {
    const authorization = `Bearer ${world.foreign()}`;
    const readers: Reader[] = [];
    for (let opened = 0; opened < 1000; opened += 50)
      readers.push(...(await Promise.all(Array.from({ length: 50 }, () => Reader.open(authorization)))));
    await Promise.all(readers.map((reader) => reader.hears("event: current")));
    expect(readers[0]?.answer.headers).toMatchObject({ "x-accel-buffering": "no", "cache-control": "no-store" });
    const late = await Reader.open(authorization);
    expect([late.answer.statusCode, late.answer.headers["retry-after"]]).toEqual([503, "1"]);
    await late.hears("TooMany");
    await world.store.revokeToken("one", { nowMs: world.nowMs, endsAtMs: world.nowMs + 1000 });
    await Promise.all(readers.map((reader) => reader.hears('"value":"one"')));
    readers[0]?.answer.destroy();
    const next = async (): Promise<Reader> => {
      const reader = await Reader.open(authorization);
      return reader.answer.statusCode === 200 ? reader : next();
    };
    await (await next()).hears('"value":"one"');
  });
});
