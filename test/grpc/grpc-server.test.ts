import { once } from "node:events";
import { connect } from "node:http2";
import { Client, type ClientDuplexStream, credentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { bothWays, describeService, field, message, unary } from "../../src/grpc/service-description.ts";
import { type GrpcLimits, listenGrpc } from "../../src/grpc/grpc-server.ts";
import { RawClient } from "../http/support/serve.ts";

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

/** Echoes on streams; on the drain each hears "bye", and ends if it is asked to. */
async function chatting(onDrain: (stream: ServerDuplexStream<Line, Line>) => void, limits: GrpcLimits = {}) {
  const open = new Set<ServerDuplexStream<Line, Line>>();
  let cancelled = 0;
  const implementation = {
    Connect: (stream: ServerDuplexStream<Line, Line>) => {
      open.add(stream);
      stream.on("data", (line: Line) => stream.write(line));
      stream.on("end", () => stream.end());
      stream.on("cancelled", () => cancelled++);
      stream.on("error", () => undefined);
    },
    Say: () => undefined,
  };
  const listener = await listenGrpc(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    {
      services: [{ definition: chat, implementation }],
      onDrain: () => {
        for (const stream of open) onDrain(stream);
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
  return { listener, talk, cancelled: () => cancelled };
}

describe("drain, with streams", () => {
  test("tells each, lets it end what is in flight, and is done when the last has ended", async () => {
    const { listener, talk } = await chatting((stream) => stream.write({ text: "bye" }));
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
    const { listener, talk } = await chatting((stream) => stream.write({ text: "bye" }));
    const one = await talk();
    const drained = listener.drain(60_000);
    await one.hears("bye");
    expect(await (await RawClient.to(listener.port)).ended).toBe("");
    expect(await new Talk(listener.port).ended).toBe("UNAVAILABLE");
    one.stream.end();
    await drained;
  });

  test("cuts off what does not end in time: its client sees UNAVAILABLE, its handler hears of it", async () => {
    const { listener, talk, cancelled } = await chatting(() => undefined);
    const one = await talk();
    await listener.drain(20);
    expect(await one.ended).toBe("UNAVAILABLE");
    await expect.poll(cancelled).toBe(1);
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
    for (let n = 0; n < 3; n++) await ended(listener.port);
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
