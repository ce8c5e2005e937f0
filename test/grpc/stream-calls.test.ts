import { once } from "node:events";
import { connect, constants, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { Client, type ClientDuplexStream, credentials, status, type StatusObject } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { prefixBytes } from "../../src/grpc/frames.ts";
import { type GrpcLimits, type GrpcMethod, listenGrpc } from "../../src/grpc/listen-grpc.ts";
import type { StreamCall, StreamMethod } from "../../src/grpc/stream-call.ts";
import { RawClient } from "../http/support/serve.ts";
import { bothWays, describeService, field, message, unary } from "../support/service-description.ts";

interface Line {
  readonly text?: string;
}

const chat = describeService("keyturn.test.Chat", {
  Chat: { methods: { Connect: bothWays("Line", "Line"), Say: unary("Line", "Line") } },
  Line: message({ text: field("string", 1) }),
});

function methodOf({ Connect }: typeof chat) {
  if (Connect === undefined) throw new Error("there is no method Connect");
  return Connect;
}
const connectMethod = methodOf(chat);

/** A stream as its client sees it. */
class Talk {
  readonly stream: ClientDuplexStream<Line, Line>;
  readonly heard: string[] = [];
  /** Resolves with the code's name. */
  readonly ended: Promise<string | undefined>;
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = connectMethod;
    this.stream = client.makeBidiStreamRequest(path, requestSerialize, (bytes) => responseDeserialize(bytes) as Line);
    this.stream.on("data", ({ text = "" }: Line) => {
      this.heard.push(text);
      for (const look of this.#waiting.splice(0)) look();
    });
    this.stream.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.stream.on("status", ({ code }) => resolve(status[code]));
    });
  }

  say(text: string): this {
    this.stream.write({ text });
    return this;
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

type Heard = "ended" | "closed";

/** Echoes on streams; on the drain each hears "bye", and ends if it is asked to. */
async function chatting(onDrain: (call: StreamCall) => void, limits: GrpcLimits = {}) {
  const open = new Set<StreamCall>();
  const heard: Heard[] = [];
  const connect: StreamMethod = (call) => {
    open.add(call);
    return {
      heard: (message) => void call.write(withRoom(message)),
      ended: () => {
        heard.push("ended");
        call.end({ code: "OK" });
      },
      closed: () => {
        heard.push("closed");
        open.delete(call);
      },
    };
  };
  const listener = await listenGrpc(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    {
      methods: new Map<string, GrpcMethod>([
        ["/keyturn.test.Chat/Connect", { stream: connect }],
        ["/keyturn.test.Chat/Say", { unary: (message) => message.toString("latin1") }],
      ]),
      onDrain: () => {
        for (const call of open) onDrain(call);
      },
    },
    limits,
  );
  onTestFinished(() => listener.drain(0));
  const talk = async (): Promise<Talk> => {
    const one = new Talk(listener.port).say("hello");
    await one.hears("hello");
    return one;
  };
  return { listener, talk, heard, open };
}

const withRoom = (message: Buffer): Uint8Array => Buffer.concat([Buffer.alloc(prefixBytes), message]);
const sayBye = (call: StreamCall): void => {
  call.write(withRoom(chatLine("bye")));
};
const chatLine = (text: string): Buffer => connectMethod.requestSerialize({ text });

describe("drain, with streams", () => {
  test("tells each, lets it end what is in flight, and is done when the last has ended", async () => {
    const { listener, talk } = await chatting(sayBye);
    const [first, second] = [await talk(), await talk()];
    let done = false;
    const drained = listener.drain(60_000).then(() => (done = true));
    await Promise.all([first.hears("bye"), second.hears("bye")]);
    await first.say("in flight").hears("in flight");
    first.stream.end();
    expect(await first.ended).toBe("OK");
    await second.say("still here").hears("still here");
    expect(done).toBe(false);
    second.stream.end();
    expect(await second.ended).toBe("OK");
    await drained;
  });

  test("takes nobody new meanwhile", async () => {
    const { listener, talk } = await chatting(sayBye);
    const one = await talk();
    const drained = listener.drain(60_000);
    await one.hears("bye");
    expect(await (await RawClient.to(listener.port)).ended).toBe("");
    expect(await new Talk(listener.port).ended).toBe("UNAVAILABLE");
    one.stream.end();
    await drained;
  });

  test("cuts off what does not end in time: its client sees UNAVAILABLE, its handler hears of it", async () => {
    const { listener, talk, heard } = await chatting(() => undefined);
    const one = await talk();
    await listener.drain(20);
    expect(await one.ended).toBe("UNAVAILABLE");
    await expect.poll(() => heard).toEqual(["closed"]);
  });
});

describe("a connection without a call", () => {
  /** Resolves when the gateway has ended it. */
  async function ended(port: number): Promise<void> {
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    session.on("error", () => undefined);
    await once(session, "close");
  }

  test("ends after a while, where one with a stream stays", async () => {
    const { listener, talk } = await chatting(() => undefined, { idleMs: 100 });
    const one = await talk();
    const { session, stream } = callTo(listener.port);
    let isToldToLeave = false;
    session.on("goaway", () => (isToldToLeave = true));
    stream.write(frame(chatLine("hello")));
    await once(stream, "data");
    for (let n = 0; n < 3; n++) await ended(listener.port);
    expect(isToldToLeave).toBe(false);
    await one.say("long after").hears("long after");
    one.stream.end();
    expect(await one.ended).toBe("OK");
  });
});

describe("the time for a request", () => {
  test("holds for a call with one request, and for no stream", async () => {
    const { listener, talk } = await chatting(() => undefined, { requestMs: 30 });
    const one = await talk();
    const slow = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure());
    onTestFinished(() => slow.close());
    const path = "/keyturn.test.Chat/Say";
    const code = await new Promise((resolve) => {
      slow
        .makeClientStreamRequest(
          path,
          () => Buffer.alloc(0),
          (bytes) => bytes,
          (error) => resolve(error && status[error.code]),
        )
        .on("error", () => undefined);
    });
    expect(code).toBe("DEADLINE_EXCEEDED");
    await one.say("long after").hears("long after");
  });
});

/** A call by hand: what goes over the wire. */
function callTo(port: number, headers: object = {}) {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  session.on("error", () => undefined);
  const stream = session.request(
    {
      ...{ ":method": "POST", ":path": connectMethod.path, "content-type": "application/grpc", te: "trailers" },
      ...headers,
    },
    { endStream: false },
  );
  const said: Buffer[] = [];
  let [status, trailers]: [unknown, IncomingHttpHeaders] = [undefined, {}];
  stream.on("response", (all) => {
    status = all[":status"];
    if ("grpc-status" in all) trailers = all;
  });
  stream.on("trailers", (all: IncomingHttpHeaders) => (trailers = all));
  stream.on("data", (chunk: Buffer) => said.push(chunk));
  stream.on("error", () => undefined);
  const closed = new Promise<{ status: unknown; trailers: IncomingHttpHeaders; said: Buffer; reset: number }>(
    (resolve) => {
      stream.on("close", () => resolve({ status, trailers, said: Buffer.concat(said), reset: stream.rstCode }));
    },
  );
  return { session, stream, closed };
}

function frame(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(prefixBytes, flag);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe("a stream", () => {
  test("that its client ends has ended, and is closed then", async () => {
    const { talk, heard } = await chatting(() => undefined);
    const one = await talk();
    one.stream.end();
    expect(await one.ended).toBe("OK");
    await expect.poll(() => heard).toEqual(["ended", "closed"]);
  });

  test.each([
    ["takes back", false],
    ["ends and takes back at once", true],
  ])("that its client %s is closed, and has not ended", async (_, isEnded) => {
    const { talk, heard } = await chatting(() => undefined);
    const { stream } = await talk();
    if (isEnded) stream.end();
    stream.cancel();
    await expect.poll(() => heard).toEqual(["closed"]);
  });

  test("whose connection breaks is closed, and has not ended", async () => {
    const { listener, heard } = await chatting(() => undefined);
    const { session, stream } = callTo(listener.port);
    stream.write(frame(chatLine("hello")));
    await once(stream, "data");
    session.destroy();
    await expect.poll(() => heard).toEqual(["closed"]);
  });

  test("brings messages in whatever pieces they come, several in one, and one byte by byte", async () => {
    const { listener } = await chatting(() => undefined);
    const { stream, closed } = callTo(listener.port);
    const lines = ["one", "", "x".repeat(70_000), "two"].map((text) => frame(chatLine(text)));
    for (const byte of lines[0] ?? "") {
      await new Promise((resolve) => {
        stream.write(Buffer.of(Number(byte)), resolve);
      });
    }
    stream.end(Buffer.concat(lines.slice(1)));
    const { said, trailers } = await closed;
    expect(said.equals(Buffer.concat(lines))).toBe(true);
    expect(trailers["grpc-status"]).toBe("0");
  });

  test.each([
    ["a message that is too large, as soon as it is announced", [frame(Buffer.alloc(200)).subarray(0, 5)], {}, "8"],
    ["a message that grows too large", [frame(gzipSync(Buffer.alloc(200)), 1)], { "grpc-encoding": "gzip" }, "8"],
    ["what is packed in a way that nobody knows", [frame(Buffer.alloc(9), 1)], { "grpc-encoding": "snappy" }, "12"],
    ["what is packed, and does not say how", [frame(Buffer.alloc(9), 1)], {}, "12"],
    ["what is not packed well", [frame(Buffer.alloc(9), 1)], { "grpc-encoding": "gzip" }, "13"],
    ["a flag that nobody knows", [frame(Buffer.alloc(9), 2)], {}, "13"],
  ])("ends with %s, and its listener has heard nothing else", async (...[, parts, headers, code]) => {
    const { listener, heard } = await chatting(() => undefined, { messageBytes: 100 });
    const { stream, closed } = callTo(listener.port, headers);
    for (const part of parts) stream.write(part);
    const { trailers, said } = await closed;
    expect(trailers).toMatchObject({ "grpc-status": code, "grpc-accept-encoding": "identity,gzip" });
    expect(said).toHaveLength(0);
    await expect.poll(() => heard).toEqual(["closed"]);
  });

  test("is left with its client while its listener pauses, also what came in one piece", async () => {
    const heard: string[] = [];
    const calls: StreamCall[] = [];
    const connect: StreamMethod = (call) => {
      calls.push(call);
      return {
        heard: (message) => {
          heard.push(message.toString());
          call.pause();
        },
        ended: () => call.end({ code: "OK" }),
        closed: () => undefined,
      };
    };
    const methods = new Map([[connectMethod.path, { stream: connect }]]);
    const listener = await listenGrpc({ kind: "tcp", host: "127.0.0.1", port: 0 }, { methods });
    onTestFinished(() => listener.drain(0));
    const { session, stream, closed } = callTo(listener.port);
    stream.end(Buffer.concat(["one", "two", "three"].map((text) => frame(Buffer.from(text)))));
    for (const expected of [["one"], ["one", "two"], ["one", "two", "three"]]) {
      await expect.poll(() => heard).toEqual(expected);
      await new Promise<void>((resolve) => {
        session.ping(() => resolve());
      });
      expect(heard).toEqual(expected);
      calls[0]?.resume();
    }
    expect((await closed).trailers["grpc-status"]).toBe("0");
  });

  test("takes what is packed by gzip", async () => {
    const { listener } = await chatting(() => undefined);
    const { stream, closed } = callTo(listener.port, { "grpc-encoding": "gzip" });
    stream.end(frame(gzipSync(chatLine("hello")), 1));
    expect((await closed).said.equals(frame(chatLine("hello")))).toBe(true);
  });

  test("ends with half a message before its end", async () => {
    const { listener, heard } = await chatting(() => undefined);
    const { stream, closed } = callTo(listener.port);
    stream.end(frame(chatLine("hello")).subarray(0, 7));
    expect((await closed).trailers["grpc-status"]).toBe("13");
    await expect.poll(() => heard).toEqual(["closed"]);
  });

  test("ends when the time is over that its client gives it", async () => {
    const { listener, heard } = await chatting(() => undefined);
    const { closed } = callTo(listener.port, { "grpc-timeout": "50m" });
    expect((await closed).trailers["grpc-status"]).toBe("4");
    await expect.poll(() => heard).toEqual(["closed"]);
  });

  test.each([
    ["a method that nobody knows", { ":path": "/keyturn.test.Chat/Sing" }, 200, "12"],
    ["another type", { "content-type": "application/json" }, 415, undefined],
    ["another HTTP method", { ":method": "PUT" }, 415, undefined],
  ])("does not begin with %s", async (...[, headers, status, code]) => {
    const { listener, heard } = await chatting(() => undefined);
    const answer = await callTo(listener.port, headers).closed;
    expect([answer.status, answer.trailers["grpc-status"]]).toEqual([status, code]);
    expect(heard).toEqual([]);
  });

  test("is cut off where its client does not take its end, and its connection is not", async () => {
    const { listener, open } = await chatting(() => undefined);
    const { session, stream, closed } = callTo(listener.port);
    stream.pause();
    stream.write(frame(chatLine("hello")));
    await expect.poll(() => open.size).toBe(1);
    const [call] = open;
    // More than the windows hold
    call?.write(withRoom(Buffer.alloc(300_000)));
    call?.end({ code: "ABORTED" });
    await expect.poll(() => open.size).toBe(0);
    stream.resume();
    expect((await closed).reset).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(session.destroyed).toBe(false);
  });

  test("says why it ends also in other signs than ASCII's", async () => {
    const { talk, open } = await chatting(() => undefined);
    const one = await talk();
    const [call] = open;
    const details = new Promise((resolve) => {
      one.stream.on("status", (status) => resolve(status));
    });
    call?.end({ code: "ABORTED", message: "100 % ü", trailers: { "keyturn-code": "Superseded" } });
    const status = (await details) as StatusObject;
    expect([status.details, status.metadata.get("keyturn-code")]).toEqual(["100 % ü", ["Superseded"]]);
  });
});

describe("a connection", () => {
  test("that does not answer a ping ends, with the streams that it has", async () => {
    const { listener, heard } = await chatting(() => undefined, { pingMs: 40 });
    const client = await RawClient.to(listener.port);
    // The preface and an empty SETTINGS: HTTP/2, and then silence
    client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
    await client.ended;
    expect(heard).toEqual([]);
  });

  test("that answers them stays", async () => {
    const { listener } = await chatting(() => undefined, { pingMs: 30 });
    const session = connect(`http://127.0.0.1:${listener.port}`);
    onTestFinished(() => session.destroy());
    for (let n = 0; n < 10; n++) await once(session, "ping");
    expect(session.destroyed).toBe(false);
  });
});
