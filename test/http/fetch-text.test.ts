import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { fetchText } from "../../src/http/fetch-text.ts";
import { portOf } from "../../src/http/address.ts";
import { FakeClock } from "../support/fake-clock.ts";

async function fetched(answer: (response: ServerResponse) => void, signal = new AbortController().signal) {
  const server = createServer((_request, response) => answer(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = new URL(`http://127.0.0.1:${portOf(server)}/keys?key=secret`);
  return fetchText(url, { clock: new FakeClock(), signal, timeoutMs: 5000, limit: 100, accept: "text/plain" });
}

const withHeaders = (headers: Readonly<Record<string, string>>) => (response: ServerResponse) =>
  void response.writeHead(200, headers).end("keys");

describe("fetchText", () => {
  test.each<[header: string, headers: Readonly<Record<string, string>>, freshForMs: number | undefined]>([
    ["nothing", {}, undefined],
    ["max-age", { "cache-control": "public, max-age=300" }, 300_000],
    ["max-age in capitals and quotes", { "cache-control": 'Max-Age="60",public' }, 60_000],
    ["an age as well", { "cache-control": "max-age=300", age: "100" }, 200_000],
    ["an age above max-age", { "cache-control": "max-age=300", age: "301" }, 0],
    ["an age that is none", { "cache-control": "max-age=300", age: "-1" }, 300_000],
    ["s-maxage alone, which is for shared caches", { "cache-control": "s-maxage=300" }, undefined],
    ["no-store", { "cache-control": "no-store, max-age=300" }, 0],
    ["no-cache", { "cache-control": "max-age=300,no-cache" }, 0],
    ["a max-age below zero", { "cache-control": "max-age=-5" }, undefined],
    ["a max-age that is no number", { "cache-control": "max-age=3e9" }, undefined],
  ])("tells how long a copy is good, by %s", async (_header, headers, freshForMs) => {
    expect(await fetched(withHeaders(headers))).toEqual({
      text: "keys",
      ...(freshForMs !== undefined && { freshForMs }),
    });
  });

  test("refuses what is one byte longer than the limit", async () => {
    expect((await fetched((response) => void response.end("x".repeat(100)))).text).toHaveLength(100);
    await expect(fetched((response) => void response.end("x".repeat(101)))).rejects.toThrow("at most 100 bytes");
  });

  test("never repeats the query of the address, nor what was answered", async () => {
    const refused = fetched((response) => void response.writeHead(500).end("answered"));
    await expect(refused).rejects.toThrow(/^"http:\/\/127\.0\.0\.1:\d+\/keys" must answer 200, answers 500$/);
  });

  test("ends with the signal, also where that came first", async () => {
    await expect(fetched(() => undefined, AbortSignal.abort())).rejects.toThrow("must answer: stopped");
    const stop = new AbortController();
    await expect(fetched(() => stop.abort(), stop.signal)).rejects.toThrow("must answer: stopped");
  });
});
