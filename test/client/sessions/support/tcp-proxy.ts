import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { portOf } from "../../../../src/http/address.ts";

/** Stands between a client and a gateway, and does to their connections what networks do. */
export class TcpProxy {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server = createServer((socket) => this.#join(socket));
  /** Where connections go; 0: they are refused. */
  target = 0;
  /** Connections that were made. */
  count = 0;
  /** Called with the bytes of each chunk; true: the connection breaks in the middle of it. */
  breaks: (length: number) => boolean = () => false;
  #isSilent = false;

  static async to(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    proxy.target = target;
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    onTestFinished(() => {
      proxy.cut();
      proxy.#server.close();
    });
    return proxy;
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** All connections break. */
  cut(): void {
    for (const pair of this.#pairs) this.#destroy(pair);
  }

  /** Connections stay, and nothing goes through those that are there now. */
  silence(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.removeAllListeners("data").resume();
    this.#isSilent = true;
  }

  /** New connections go through. */
  speak(): void {
    this.#isSilent = false;
  }

  #join(near: Socket): void {
    this.count++;
    if (this.target === 0) {
      near.destroy();
      return;
    }
    const far = connect(this.target, "127.0.0.1");
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("data", (bytes: Buffer) => {
        if (this.#isSilent) return;
        if (!this.breaks(bytes.length)) to.write(bytes);
        else to.write(bytes.subarray(0, bytes.length >> 1), () => this.#destroy(pair));
      });
      from.on("error", () => undefined);
      from.on("close", () => this.#destroy(pair));
    }
  }

  #destroy(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
}
