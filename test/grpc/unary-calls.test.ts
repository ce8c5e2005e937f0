import { gzipSync } from "node:zlib";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { describe, expect, onTestFinished, test } from "vitest";
import { type GrpcLimits, listenGrpc } from "../../src/grpc/listen-grpc.ts";

const path = "/keyturn.test.Echo/Say";
const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
const frame = (message: Buffer | string, flag = 0): Buffer => {
  const bytes = Buffer.from(message);
  const prefix = Buffer.alloc(5, flag);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
};

/** Answers with what was said; fails for "fail". */
async function echo(limits: GrpcLimits = {}) {
  const say = (message: Buffer): string => {
    if (message.toString() === "fail") throw new Error("secret");
    return message.toString("latin1");
  };
  const listener = await listenGrpc(address, { methods: new Map([[path, { unary: say }]]) }, limits);
  onTestFinished(() => listener.drain(0));
  const session = connect(`http://127.0.0.1:${listener.port}`);
  onTestFinished(() => session.destroy());
  session.on("error", () => undefined);
  await once(session, "connect");
  return { listener, session };
}

interface Heard {
  readonly status: unknown;
  readonly code: unknown;
  readonly body: string;
  readonly reset: number;
}

class Call {
  readonly stream: ClientHttp2Stream;
  readonly heard: Promise<Heard>;

  constructor(session: ClientHttp2Session, headers: object = {}) {
    const usual = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    this.stream = session.request({ ...usual, ...headers }, { endStream: false });
    this.heard = this.#listen();
  }

  #listen(): Promise<Heard> {
    const { stream } = this;
    let status: unknown;
    let code: unknown;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => ([status, code] = [headers[":status"], headers["grpc-status"]]));
    stream.on("trailers", (trailers: IncomingHttpHeaders) => (code = trailers["grpc-status"]));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    return new Promise((resolve) => {
      stream.on("close", () => {
        resolve({ status, code, body: Buffer.concat(chunks).toString("latin1"), reset: stream.rstCode });
      });
    });
  }

  say(...parts: readonly Buffer[]): this {
    for (const part of parts) this.stream.write(part);
    return this;
  }

  end(): this {
    this.stream.end();
    return this;
  }
}

const written = (stream: ClientHttp2Stream, byte: number): Promise<void> =>
  new Promise((resolve) => {
    stream.write(Buffer.of(byte), () => resolve());
  });

const roundTrip = (session: ClientHttp2Session): Promise<void> =>
  new Promise((resolve) => {
    session.ping(() => resolve());
  });

const ok = (message: string) => ({ status: 200, code: "0", body: frame(message).toString("latin1"), reset: 0 });
const code = (value: number) => ({ status: 200, code: String(value), body: "", reset: 0 });

describe("a call with one request", () => {
  test("answers a message, also an empty one, and several at once", async () => {
    const { session } = await echo();
    const calls = ["a", "", "\u0080ÿ"].map((text) => new Call(session).say(frame(Buffer.from(text, "latin1"))).end());
    expect(await Promise.all(calls.map((call) => call.heard))).toEqual([
      ok("a"),
      ok(""),
      { ...ok(""), body: frame(Buffer.from("\u0080ÿ", "latin1")).toString("latin1") },
    ]);
  });

  test("ends a connection that has no call for a while, and none that has", async () => {
    const idleMs = 500;
    const { session } = await echo({ idleMs });
    const closed = once(session, "close");
    const untilMs = performance.now() + 3 * idleMs;
    while (performance.now() < untilMs)
      expect(await new Call(session).say(frame("hello")).end().heard).toEqual(ok("hello"));
    await closed;
  });

  test("takes a message byte by byte", async () => {
    const { session } = await echo();
    const call = new Call(session);
    for (const byte of frame("hello")) await written(call.stream, byte);
    expect(await call.end().heard).toEqual(ok("hello"));
  });

  test("waits for no more once the message is whole: what a client goes on to say is not heard", async () => {
    const { session } = await echo();
    expect(await new Call(session).say(frame("hello")).heard).toEqual(ok("hello"));
  });

  test.each([
    ["no message", [], 13],
    ["a prefix that is cut off", [frame("").subarray(0, 4)], 13],
    ["a message that is cut off", [frame("hello").subarray(0, 9)], 13],
    ["a message and more in one piece", [Buffer.concat([frame("hello"), frame("x")])], 13],
    ["a flag that is none", [frame("hello", 2)], 13],
    ["what is compressed, and does not say how", [frame(gzipSync("hello"), 1)], 12],
    ["what a method fails at", [frame("fail")], 13],
  ])("ends a call with %s by a code", async (_, parts, expected) => {
    const { session } = await echo();
    expect(await new Call(session).say(...parts).end().heard).toEqual(code(expected));
    expect(await new Call(session).say(frame("on")).end().heard).toEqual(ok("on"));
  });

  test.each([
    ["gzip", frame(gzipSync("hello"), 1), ok("hello")],
    ["gzip that is none", frame("hello", 1), code(13)],
    ["gzip of too much", frame(gzipSync("x".repeat(200)), 1), code(8)],
    ["gzip, and is not compressed", frame("hello"), ok("hello")],
    ["deflate", frame("hello", 1), code(12)],
  ])("knows of compression %s", async (name, message, expected) => {
    const { session } = await echo({ messageBytes: 100 });
    const call = new Call(session, { "grpc-encoding": name.split(" ")[0]?.replace(",", "") });
    expect(await call.say(message).end().heard).toEqual(expected);
  });

  test.each([
    [100, ok("x".repeat(100))],
    [101, code(8)],
  ])("takes a message of 100 bytes and no more: %d", async (length, expected) => {
    const { session } = await echo({ messageBytes: 100 });
    expect(await new Call(session).say(frame("x".repeat(length))).end().heard).toEqual(expected);
  });

  test("cuts off a message that is announced too large, as soon as too much of it has come", async () => {
    const { session } = await echo({ messageBytes: 100 });
    expect(await new Call(session).say(frame("x".repeat(1000)).subarray(0, 200)).heard).toEqual(code(8));
  });

  test.each([
    ["another method", { ":method": "GET" }],
    ["another type", { "content-type": "application/json" }],
    ["no type", { "content-type": "" }],
  ])("is not for %s", async (_, headers) => {
    const { session } = await echo();
    expect(await new Call(session, headers).end().heard).toMatchObject({ status: 415, code: undefined });
  });

  test("forgets a call that its client takes back, and goes on", async () => {
    const { session } = await echo({ requestMs: 20 });
    const call = new Call(session).say(frame("hello").subarray(0, 7));
    await roundTrip(session);
    call.stream.close(constants.NGHTTP2_CANCEL);
    await call.heard;
    expect(await new Call(session).heard).toEqual(code(4));
    expect(await new Call(session).say(frame("on")).end().heard).toEqual(ok("on"));
  });
});

describe("drain", () => {
  test("answers what was begun, and refuses what was on its way in so many words, so that it may be repeated elsewhere", async () => {
    const { listener, session } = await echo();
    const begun = new Call(session);
    await roundTrip(session);
    // In one turn: neither has heard of what the other one does
    const late = new Call(session).say(frame("late")).end();
    const drained = listener.drain(60_000);
    expect((await late.heard).reset).toBe(constants.NGHTTP2_REFUSED_STREAM);
    expect(await begun.say(frame("begun")).end().heard).toEqual(ok("begun"));
    await drained;
  });
});
