import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { systemClock } from "../time/clock.ts";

export interface ConnectionsLimit {
  readonly most: number;
  /**
   * What becomes of one more. `refuse`: it is closed unheard. `endQuietest`: the one that was quiet for longest goes, so that
   * nobody keeps others out by holding all of them.
   */
  readonly whenFull: "refuse" | "endQuietest";
  /** Those count that have shaken hands: until then a limit of time is theirs. @default false */
  readonly isTls?: boolean;
}

/** The open connections of a server: bounded in number, and closed in good order. */
export class Connections {
  readonly #server: Server;
  /** The one that was quiet for longest first. */
  readonly #open = new Set<Socket>();

  /** Before the server has its first connection. */
  constructor(server: Server, { most, whenFull, isTls = false }: ConnectionsLimit) {
    this.#server = server;
    server.maxConnections = most;
    server.on(isTls ? "secureConnection" : "connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
      // One place is always free for the next
      if (whenFull === "endQuietest" && this.#open.size >= most) this.#endQuietest();
    });
  }

  /** What was heard from is not quiet. */
  heard(socket: Socket): void {
    if (this.#open.delete(socket)) this.#open.add(socket);
  }

  /** Those that have not said a word yet: to Node.js they are not idle, and proxies hold such ones ready. */
  endSilent(): void {
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Takes no new one, and ends after so long what is left. Resolves when none is left. */
  async close(withinMs: number): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    const cancel = systemClock.after(withinMs, () => {
      for (const socket of this.#open) socket.destroy();
    });
    await closed;
    cancel();
  }

  #endQuietest(): void {
    const [quietest] = this.#open;
    if (quietest === undefined) return;
    this.#open.delete(quietest);
    quietest.destroy();
  }
}
