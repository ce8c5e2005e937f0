import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Address } from "../../../src/http/address.ts";
import { type Face, type Handler, type Limits, listen, type Listener } from "../../../src/http/listener.ts";

const anywhere: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

/** A listener on any free port, closed with the test. */
export async function serve(what: Handler | Face, limits: Limits = {}): Promise<Listener & { readonly url: string }> {
  const face = typeof what === "function" ? { handler: what } : what;
  const listener = await listen(anywhere, face, { checkMs: 10, ...limits });
  onTestFinished(() => listener.drain(0));
  return { ...listener, url: `http://127.0.0.1:${listener.port}` };
}

/** A client that writes what it likes. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves with everything that came, when the connection has ended, however it ended. */
  readonly ended: Promise<string>;
  #text = "";
  #listeners: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#text += text;
      for (const listener of this.#listeners.splice(0)) listener();
    });
    socket.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      socket.on("close", () => resolve(this.#text));
    });
  }

  static async to(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new RawClient(socket);
    onTestFinished(() => void socket.destroy());
    // A connection that is refused has ended
    await Promise.race([once(socket, "connect").catch(() => undefined), client.ended]);
    return client;
  }

  write(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves when what came holds this. */
  async says(part: string): Promise<string> {
    while (!this.#text.includes(part)) {
      await new Promise<void>((resolve) => {
        this.#listeners.push(resolve);
      });
    }
    return this.#text;
  }
}
