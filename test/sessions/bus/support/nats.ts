import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { freePort } from "../../../../hack/free-port.ts";
import type { SessionBus } from "../../../../src/sessions/bus/session-bus.ts";
import { natsServer } from "../../../../hack/nats.ts";

/** A real nats-server on 127.0.0.1. */
export class Nats {
  readonly port: number;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  static async started(args: readonly string[] = []): Promise<Nats> {
    const nats = new Nats(await freePort(), args);
    await nats.start();
    onTestFinished(() => nats.kill());
    return nats;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const args = ["-a", "127.0.0.1", "-p", String(this.port), ...this.#args];
    const child = spawn(await natsServer(), args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        lines.push(line);
        if (line.includes("Server is ready")) resolve();
      });
      child.once("exit", () => reject(new Error(`nats-server ended:\n${lines.join("\n")}`)));
    });
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}

/** The next time that the bus is there again. */
export const reconnected = (bus: Pick<SessionBus, "onReconnected">): Promise<void> =>
  new Promise((resolve) => {
    bus.onReconnected(resolve);
  });

/**
 * Resolves when that is the answer to the word; undefined: nobody hears it. Asks again and again, since what is said while a server or its way goes is
 * answered by nobody.
 */
export const answered = (
  bus: SessionBus,
  [topic, word]: readonly [string, string],
  expected: string | undefined,
): Promise<void> =>
  new Promise((resolve) => {
    const ask = (): (() => void) =>
      bus.ask(topic, Buffer.from(word), (answer) => {
        if ((answer === undefined ? undefined : Buffer.from(answer).toString()) === expected) end();
      });
    const stops = [ask()];
    const again = setInterval(() => stops.push(ask()), 50);
    const end = (): void => {
      clearInterval(again);
      for (const stop of stops) stop();
      resolve();
    };
  });

/** The network between one replica and its server. */
export class Cable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(to: number) {
    this.#server = createServer((near) => {
      if (this.#isCut) {
        near.destroy();
        return;
      }
      const far = connect(to, "127.0.0.1");
      for (const [one, other] of [[near, far] as const, [far, near] as const]) {
        this.#sockets.add(one);
        one
          .on("error", () => undefined)
          .on("close", () => {
            this.#sockets.delete(one);
            other.destroy();
          });
        one.pipe(other);
      }
    });
  }

  static async to(port: number): Promise<Cable> {
    const cable = new Cable(port);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    onTestFinished(() => {
      cable.cut();
      cable.#server.close();
    });
    return cable;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it must listen");
    return `nats://127.0.0.1:${address.port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  heal(): void {
    this.#isCut = false;
  }
}
