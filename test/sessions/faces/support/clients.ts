import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceDefinition, status, type StatusObject } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";

/** A frame of the gateway with all its members, and numbers as numbers. */
export type Heard = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** How a connection ended, as its transport has it. */
interface Ended {
  readonly code: string | undefined;
  readonly status: string | number;
}

/** A client of one connection, of either transport. */
export interface SessionClient {
  say(frame: object): void;
  /** The next frame that has this member, after those that were asked for before. */
  next(kind: string): Promise<Heard>;
  readonly heard: readonly Heard[];
  readonly ended: Promise<Ended>;
  /** Ends it in good order. */
  leave(): void;
  /** The connection breaks. */
  cut(): void;
  /** Everything that came, as text: no token may be in it. */
  readonly texts: readonly string[];
}

export interface Transport {
  readonly name: "gRPC" | "WebSocket";
  open(port: number, token: string): SessionClient;
  renew(port: number, sessionId: string, token: string): Promise<Readonly<Record<string, unknown>> | string | number>;
}

/** What has come, and who waits for it. */
export class Inbox {
  readonly heard: Heard[] = [];
  readonly texts: string[] = [];
  readonly #read = new Map<string, number>();
  #waiting: (() => void)[] = [];

  put(frame: Heard, text: string): void {
    this.heard.push(frame);
    this.texts.push(text);
    for (const look of this.#waiting.splice(0)) look();
  }

  async next(kind: string): Promise<Heard> {
    const nth = this.#read.get(kind) ?? 0;
    this.#read.set(kind, nth + 1);
    for (;;) {
      const found = this.heard.filter((frame) => kind in frame)[nth];
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

const published = join(import.meta.dirname, "../../../../proto/keyturn/sessions/v1/sessions.proto");

/** As any client would: from the file that is published. */
const definition = loadSync(published, { longs: Number, defaults: true, oneofs: true })["keyturn.sessions.v1.Sessions"];

function methodNamed(name: "Connect" | "Renew"): ServiceDefinition[string] {
  const method = (definition as ServiceDefinition)[name];
  if (method === undefined) throw new Error(`there is no method ${name}`);
  return method;
}

function clientTo(port: number): Client {
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  onTestFinished(() => client.close());
  return client;
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** Without the members that the loader adds. */
export function cleaned(frame: object): Heard {
  return Object.fromEntries(
    Object.entries(frame).filter(([name, value]) => name !== "frame" && value !== null && value !== undefined),
  );
}

export const overGrpc: Transport = {
  name: "gRPC",
  open(port, token) {
    const { path, requestSerialize, responseDeserialize } = methodNamed("Connect");
    const stream = clientTo(port).makeBidiStreamRequest(
      ...([path, requestSerialize, responseDeserialize, bearer(token)] as const),
    );
    const inbox = new Inbox();
    stream.on("data", (frame: object) => inbox.put(cleaned(frame), JSON.stringify(frame)));
    stream.on("error", () => undefined);
    const ended = new Promise<Ended>((resolve) => {
      stream.on("status", ({ code, details, metadata }: StatusObject) => {
        inbox.texts.push(details, JSON.stringify(metadata.getMap()));
        resolve({ code: metadata.get("keyturn-code")[0]?.toString(), status: status[code] });
      });
    });
    return {
      ...{ ended, heard: inbox.heard, texts: inbox.texts },
      say: (frame) => void stream.write(frame),
      next: (kind) => inbox.next(kind),
      leave: () => {
        stream.end();
      },
      cut: () => stream.cancel(),
    };
  },
  renew(port, sessionId, token) {
    const { path, requestSerialize, responseDeserialize } = methodNamed("Renew");
    return new Promise((resolve) => {
      clientTo(port).makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, { sessionId }, bearer(token)] as const),
        (error, answer) => {
          resolve(error ? status[error.code] : (answer as Readonly<Record<string, unknown>>));
        },
      );
    });
  },
};

const isLong = (name: string, value: unknown): boolean => name.endsWith("UnixMs") && typeof value === "string";

export function socketTo(port: number, options: { protocols?: readonly string[]; headers?: object } = {}): WebSocket {
  const { protocols = [], headers = {} } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/sessions`, [...protocols], { headers: { ...headers } });
  socket.on("error", () => undefined);
  onTestFinished(() => socket.terminate());
  return socket;
}

export function clientOn(socket: WebSocket): SessionClient {
  const inbox = new Inbox();
  socket.on("message", (data: Buffer) => {
    const text = data.toString("utf8");
    const frame = JSON.parse(text, (name, value: unknown) => (isLong(name, value) ? Number(value) : value)) as Heard;
    inbox.put(frame, text);
  });
  const ended = new Promise<Ended>((resolve) => {
    socket.on("close", (code: number, reason: Buffer) => {
      inbox.texts.push(reason.toString());
      resolve({ code: reason.toString() === "" ? undefined : reason.toString(), status: code });
    });
  });
  const waiting: string[] = [];
  socket.on("open", () => {
    for (const text of waiting.splice(0)) socket.send(text);
  });
  const text = (frame: object): string =>
    JSON.stringify(frame, (_, value: unknown) => {
      // What toJSON has made of a Buffer
      const isBuffer = typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
      return isBuffer && "data" in value ? Buffer.from(value.data as number[]).toString("base64") : value;
    });
  return {
    ...{ ended, heard: inbox.heard, texts: inbox.texts },
    say: (frame) => {
      if (socket.readyState === WebSocket.CONNECTING) waiting.push(text(frame));
      else socket.send(text(frame));
    },
    next: (kind) => inbox.next(kind),
    leave: () => socket.close(1000),
    cut: () => socket.terminate(),
  };
}

export const overWebSocket: Transport = {
  name: "WebSocket",
  open: (port, token) => clientOn(socketTo(port, { headers: { authorization: `Bearer ${token}` } })),
  async renew(port, sessionId, token) {
    const answer = await fetch(`http://127.0.0.1:${port}/sessions/${sessionId}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) return answer.status;
    const text = await answer.text();
    return JSON.parse(text, (name, value: unknown) => (isLong(name, value) ? Number(value) : value)) as Record<
      string,
      unknown
    >;
  },
};
