import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { Transform } from "node:stream";

/** How a connection fares: as it should; a while late; closed at once; taken, and never heard of again. */
export type WireState = "whole" | "slow" | "cut" | "swallows";

const lateMs = 1500;

interface Line {
  readonly sockets: readonly [Socket, Socket];
  /** Nothing comes through any more, and nobody is told: as behind a NAT that has forgotten it. */
  isDead: boolean;
}

/** A wire between a program and a server. TLS goes through as it is. */
export class Wire {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #state: WireState = "whole";

  private constructor(to: number) {
    this.#server = createServer((client) => this.#join(client, to));
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await once(wire.#server.listen(0, "127.0.0.1"), "listening");
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on. A connection that was swallowed never comes back; only new ones fare better. */
  set(state: WireState): void {
    this.#state = state;
    if (state === "swallows") for (const line of this.#lines) line.isDead = true;
    if (state === "cut") this.#endAll();
  }

  close(): void {
    this.#server.close();
    this.#endAll();
  }

  #endAll(): void {
    for (const { sockets } of this.#lines) for (const socket of sockets) socket.destroy();
  }

  #join(client: Socket, port: number): void {
    if (this.#state === "cut") {
      client.destroy();
      return;
    }
    const upstream = connect(port, "127.0.0.1");
    const line: Line = { sockets: [client, upstream], isDead: this.#state === "swallows" };
    this.#lines.add(line);
    client.pipe(this.#fate(line)).pipe(upstream);
    upstream.pipe(this.#fate(line)).pipe(client);
    for (const socket of line.sockets) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#lines.delete(line);
        for (const each of line.sockets) each.destroy();
      });
    }
  }

  /** What becomes of a chunk on its way. */
  #fate(line: Line): Transform {
    const isSlow = (): boolean => this.#state === "slow";
    return new Transform({
      transform(chunk: Buffer, _, done) {
        if (line.isDead) done();
        else if (isSlow()) void after(lateMs).then(() => done(null, chunk));
        else done(null, chunk);
      },
    });
  }
}
