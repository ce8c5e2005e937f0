import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { freePort } from "../../hack/free-port.ts";
import { ApiError, type ConnectionError, StoppedError } from "../../src/kube/kube-errors.ts";
import type { CallReport } from "../../src/kube/api-request.ts";
import type { Transport } from "../../src/kube/transport.ts";
import { transportTo } from "./support/clients.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { cut, json, type Reply, scriptServer, stall, status } from "./support/script-server.ts";

const read = { method: "GET", path: "/api/v1/namespaces/a/configmaps/b", what: "get it" } as const;
const write = { ...read, method: "PUT", what: "update it", body: { a: 1 } } as const;
const ok = json(200, { fine: true });

/** The error of what must fail. */
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error("must fail");
    },
    (error: unknown) => error,
  );

describe("Transport.call", () => {
  test("sends method, path, body and user agent, and returns the answer frozen", async () => {
    const { server, calls } = await scriptServer([json(201, { deep: { list: [{}] } })]);
    const { status: code, body } = await transportTo(server).call({ ...write, contentType: "application/x" });
    expect(code).toBe(201);
    expect(calls[0]).toMatchObject({ method: "PUT", body: '{"a":1}' });
    expect(calls[0]?.headers).toMatchObject({ "content-type": "application/x", "user-agent": "keyturn-test/1" });
    expect(() => ((body as { deep: { list: object[] } }).deep.list[0] = {})).toThrow(TypeError);
  });

  test("keeps the server's own path", async () => {
    const { server, calls } = await scriptServer([ok]);
    await transportTo(`${server}/clusters/one/`).call(read);
    expect(calls[0]?.url.pathname).toBe("/clusters/one/api/v1/namespaces/a/configmaps/b");
  });

  test("opens one connection for 500 calls in a row, and eight for 500 of eight workers", async () => {
    const script = await scriptServer([ok]);
    const transport = transportTo(script.server);
    for (let n = 0; n < 500; n++) await transport.call(read);
    expect(script.connections.opened).toBe(1);
    let left = 500;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await transport.call(read);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(script.connections.opened).toBeLessThanOrEqual(8);
  });

  test("close leaves no connection open", async () => {
    const script = await scriptServer([ok]);
    const transport = transportTo(script.server);
    await transport.call(read);
    transport.close();
    await script.quiet();
    expect(script.connections.open).toBe(0);
  });
});

describe("Transport after 429", () => {
  const sent = {
    "a read": (transport: Transport) => transport.call(read),
    "a write": (transport: Transport) => transport.call(write),
    // What an API server says to watches of a CRD that was just changed
    "a watch": async (transport: Transport) => {
      (await transport.open(read)).cut(new StoppedError("watch it"));
      return { status: 200 };
    },
  };

  test.each(Object.entries(sent))("repeats %s when Retry-After has passed, no millisecond before", async (_, send) => {
    const clock = new FakeClock();
    const script = await scriptServer([status(429, "TooManyRequests"), ok].map(withHeader("retry-after", "7")));
    const answer = send(transportTo(script.server, { clock }));
    // 7 s, and half of the first back-off's 200 ms
    await clock.armed(7100);
    await clock.advance(7099);
    expect(script.calls).toHaveLength(1);
    await clock.advance(1);
    await expect(answer).resolves.toMatchObject({ status: 200 });
    expect(script.calls).toHaveLength(2);
  });

  test("does not wait beyond the time that all tries have", async () => {
    const clock = new FakeClock();
    const { server, calls } = await scriptServer([withHeader("retry-after", "61")(status(429, "TooManyRequests"))]);
    const error = await failure(transportTo(server, { clock }).call(read));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 61_000 });
    expect(calls).toHaveLength(1);
  });
});

describe("Transport.call after a failure", () => {
  const repeated = [500, 502, 503, 504].map((code) => [code, status(code, "InternalError")] as const);

  test.each([...repeated, ["a cut", cut] as const])("repeats a read: %s", async (_, reply) => {
    const clock = new FakeClock();
    const { server, calls } = await scriptServer([reply, ok]);
    const answer = transportTo(server, { clock }).call(read);
    await clock.armed(100);
    await clock.advance(100);
    await expect(answer).resolves.toMatchObject({ status: 200 });
    expect(calls).toHaveLength(2);
  });

  test.each([...repeated, ["a cut", cut] as const])("sends a write only once: %s", async (_, reply) => {
    const { server, calls } = await scriptServer([reply, ok]);
    await failure(transportTo(server).call(write));
    expect(calls).toHaveLength(1);
  });

  test("repeats a write that never left, since nobody listened", async () => {
    const clock = new FakeClock();
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const answer = failure(transportTo(nowhere, { clock }).call({ ...write, totalMs: 150 }));
    await clock.armed(100);
    await clock.advance(100);
    expect(await answer).toMatchObject({ code: "Unreachable", maybeDone: false });
  });

  test("says of a write that was cut that it may have been done", async () => {
    const { server } = await scriptServer([cut]);
    expect(await failure(transportTo(server).call(write))).toMatchObject({ code: "Unreachable", maybeDone: true });
  });

  test("says so as well, and sends it only once, on a connection that was used before", async () => {
    const { server, calls } = await scriptServer([ok, cut, ok]);
    const transport = transportTo(server);
    await transport.call(read);
    expect(await failure(transport.call(write))).toMatchObject({ code: "Unreachable", maybeDone: true });
    expect(calls).toHaveLength(2);
    expect(calls[1]?.socket).toBe(calls[0]?.socket);
  });

  test.each([400, 403, 404, 409, 410, 422])("sends nothing twice that is refused with %i", async (code) => {
    const { server, calls } = await scriptServer([status(code, "Refused"), ok]);
    expect(await failure(transportTo(server).call(read))).toBeInstanceOf(ApiError);
    expect(calls).toHaveLength(1);
  });

  test("gives up after eight tries", async () => {
    const clock = new FakeClock();
    const { server, calls } = await scriptServer([status(503, "ServiceUnavailable")]);
    const answer = failure(transportTo(server, { clock, chance: () => 0.01 }).call(read));
    for (let tries = 1; tries < 8; tries++) {
      // A hundredth of 200 ms, doubled each time, and of 10 s at the most
      const waitMs = Math.min(2 ** tries, 100);
      await clock.armed(waitMs);
      await clock.advance(waitMs);
    }
    expect(await answer).toMatchObject({ status: 503 });
    expect(calls).toHaveLength(8);
  });
});

describe("Transport.open", () => {
  test.each([
    ["500", status(500, "InternalError"), { status: 500 }],
    ["503", status(503, "ServiceUnavailable"), { status: 503 }],
    ["a cut", cut, { code: "Unreachable" }],
  ])("leaves %s to who watches: one try", async (_, reply, expected) => {
    const { server, calls } = await scriptServer([reply, ok]);
    expect(await failure(transportTo(server).open(read))).toMatchObject(expected);
    expect(calls).toHaveLength(1);
  });
});

describe("Transport.call without an answer", () => {
  test("ends a write at its timeout, and says that it may have been done", async () => {
    const clock = new FakeClock();
    const script = await scriptServer([stall]);
    const answer = failure(transportTo(script.server, { clock }).call({ ...write, timeoutMs: 5000 }));
    await script.called(1);
    await clock.advance(4999);
    expect(script.connections.open).toBe(1);
    await clock.advance(1);
    expect(await answer).toMatchObject({ code: "TimedOut", maybeDone: true });
    await script.quiet();
    expect(clock.waits).toEqual([]);
  });

  test("ends at its timeout in the middle of a body", async () => {
    const clock = new FakeClock();
    const half: Reply = (response) => void response.writeHead(200, { "content-length": "100" }).write("{");
    const script = await scriptServer([half]);
    const reports: CallReport[] = [];
    const headCame = Promise.withResolvers<undefined>();
    const onCall = (report: CallReport): void => {
      reports.push(report);
      headCame.resolve(undefined);
    };
    const answer = failure(transportTo(script.server, { clock, onCall }).call({ ...write, timeoutMs: 5000 }));
    await headCame.promise;
    await clock.advance(5000);
    expect(await answer).toMatchObject({ code: "TimedOut" });
    await script.quiet();
  });

  test("closes the idle connections when one has timed out: they are likely to be dead as well", async () => {
    const clock = new FakeClock();
    const script = await scriptServer([stall, ok, ok]);
    const transport = transportTo(script.server, { clock });
    const silent = failure(transport.call({ ...write, timeoutMs: 5000 }));
    await script.called(1);
    await transport.call(read);
    expect(script.connections.open).toBe(2);
    await clock.advance(5000);
    expect(await silent).toMatchObject({ code: "TimedOut" });
    await transport.call(read);
    expect(script.calls[2]?.socket).not.toBe(script.calls[1]?.socket);
  });

  test("ends with the caller's signal, and leaves no connection, timer or listener", async () => {
    const clock = new FakeClock();
    const script = await scriptServer([stall]);
    const stop = new AbortController();
    const answer = failure(transportTo(script.server, { clock }).call({ ...read, signal: stop.signal }));
    await script.called(1);
    stop.abort();
    expect(await answer).toBeInstanceOf(StoppedError);
    await script.quiet();
    expect(clock.waits).toEqual([]);
  });

  test("ends with the caller's signal while it waits for the next try", async () => {
    const clock = new FakeClock();
    const { server, calls } = await scriptServer([status(503, "ServiceUnavailable")]);
    const stop = new AbortController();
    const answer = failure(transportTo(server, { clock }).call({ ...read, signal: stop.signal }));
    await clock.armed(100);
    stop.abort();
    expect(await answer).toBeInstanceOf(StoppedError);
    expect(calls).toHaveLength(1);
    expect(clock.waits).toEqual([]);
  });

  test("leaves no listener on the signal of many calls", async () => {
    const { server } = await scriptServer([ok, status(404, "NotFound"), ok]);
    const { signal } = new AbortController();
    const transport = transportTo(server);
    for (let n = 0; n < 3; n++) await transport.call({ ...read, signal }).catch(() => undefined);
    for await (const chunk of (await transport.open({ ...read, signal })).chunks)
      expect(chunk.length).toBeGreaterThan(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("sends nothing for a signal that was aborted before", async () => {
    const { server, calls } = await scriptServer([ok]);
    const error = await failure(transportTo(server).call({ ...read, signal: AbortSignal.abort() }));
    expect(error).toBeInstanceOf(StoppedError);
    expect(calls).toHaveLength(0);
  });

  test.each([
    ["no JSON", ((response) => void response.end("<html>")) satisfies Reply],
    ["JSON that is cut off", ((response) => void response.end('{"a":')) satisfies Reply],
    ["nothing", ((response) => void response.end()) satisfies Reply],
  ])("refuses an answer that is %s, and does not quote it", async (_, reply) => {
    const { server } = await scriptServer([reply]);
    const error = await failure(transportTo(server).call(write));
    expect(error).toMatchObject({ code: "BadAnswer", message: "Cannot update it: the answer must be JSON" });
    expect((error as ConnectionError).cause).toBeUndefined();
  });

  test("refuses a redirect", async () => {
    const { server } = await scriptServer([json(302, {}, { location: "https://elsewhere.example" })]);
    expect(await failure(transportTo(server).call(read))).toMatchObject({ status: 302, code: "Http302" });
  });
});

describe("Transport.serverNowMs", () => {
  const dated = (date: string): Reply => json(200, {}, { date });

  test("is the Date of the newest answer and what has passed since", async () => {
    const clock = new FakeClock();
    const { server } = await scriptServer([dated("Sat, 21 Nov 2026 09:00:00 GMT"), dated("not a date")]);
    const transport = transportTo(server, { clock });
    expect(transport.serverNowMs()).toBeUndefined();
    await transport.call(read);
    await clock.advance(1500);
    clock.setWall(0);
    expect(transport.serverNowMs()).toBe(Date.parse("2026-11-21T09:00:01.500Z"));
    await transport.call(read);
    expect(transport.serverNowMs()).toBe(Date.parse("2026-11-21T09:00:01.500Z"));
  });

  test("keeps the answer that was stamped latest in its second, and doubts it by a second and what it took", async () => {
    const clock = new FakeClock();
    const at = (seconds: number) => dated(`Sat, 21 Nov 2026 09:00:0${seconds} GMT`);
    const { server } = await scriptServer([at(0), at(0), at(2), at(1)]);
    const transport = transportTo(server, { clock });
    const ask = async (afterMs: number): Promise<string> => {
      await clock.advance(afterMs);
      await transport.call(read);
      return new Date(transport.serverNowMs() ?? NaN).toISOString().slice(17, 23);
    };
    expect(await ask(0)).toBe("00.000");
    expect(await ask(900)).toBe("00.900");
    expect(await ask(400)).toBe("02.000");
    expect(transport.serverDoubtMs()).toBe(1000);
    // A second later it can't be a second earlier: the clock was set back
    expect(await ask(1000)).toBe("01.000");
  });

  test("is known from a refusal as well", async () => {
    const { server } = await scriptServer([
      withHeader("date", "Sat, 21 Nov 2026 09:00:00 GMT")(status(404, "NotFound")),
    ]);
    const transport = transportTo(server, { clock: new FakeClock() });
    await failure(transport.call(read));
    expect(transport.serverNowMs()).toBe(Date.parse("2026-11-21T09:00:00Z"));
  });
});

test("TransportOptions.onCall hears of each try with its verb, host and code", async () => {
  const clock = new FakeClock();
  const { server } = await scriptServer([status(503, "ServiceUnavailable"), cut, ok]);
  const reports: CallReport[] = [];
  const onCall = (report: CallReport): void => void reports.push(report);
  const answer = transportTo(server, { clock, onCall }).call(read);
  for (const waitMs of [100, 200]) {
    await clock.armed(waitMs);
    await clock.advance(waitMs);
  }
  await answer;
  expect(reports.map(({ method, code }) => `${method} ${code}`)).toEqual(["GET 503", "GET <error>", "GET 200"]);
  expect(reports[0]?.host).toBe(new URL(server).host);
});

function withHeader(name: string, value: string): (reply: Reply) => Reply {
  return (reply) => (response, call) => {
    response.setHeader(name, value);
    reply(response, call);
  };
}
