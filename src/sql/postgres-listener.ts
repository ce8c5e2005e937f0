import type pg from "pg";
import { type Backoff, backoffMs, type Chance } from "../time/backoff.ts";

const backoff: Backoff = { baseMs: 100, maxMs: 10_000 };

/** A connection that nobody answers on any more is found out so soon. */
const lookEveryMs = 10_000;

/**
 * The connection that hears the notifications of one channel, for as long as anybody listens. When it breaks it is made anew, with back-off,
 * and then everybody is called: nobody knows what was missed.
 */
export class PostgresListener {
  readonly #connect: () => pg.Client;
  readonly #channel: string;
  readonly #chance: Chance;
  readonly #listeners = new Set<() => void>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(connect: () => pg.Client, channel: string, chance: Chance) {
    this.#connect = connect;
    this.#channel = channel;
    this.#chance = chance;
  }

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#client === undefined && this.#timer === undefined) this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) void this.#end();
    };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#end();
  }

  #open(): void {
    const client = this.#connect();
    this.#client = client;
    const lost = (): void => {
      if (this.#client === client) this.#reopen();
    };
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", () => this.#wake());
    client
      .connect()
      .then(() => client.query(`LISTEN ${this.#channel}`))
      .then(() => this.#opened(client))
      .catch(lost);
  }

  /** What was written before LISTEN was committed nobody told us. */
  #opened(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#failures = 0;
    this.#timer = setInterval(() => {
      client.query("SELECT 1").catch(() => {
        if (this.#client === client) this.#reopen();
      });
    }, lookEveryMs).unref();
    this.#wake();
  }

  #reopen(): void {
    void this.#end();
    this.#failures++;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#open();
      },
      backoffMs(backoff, this.#failures, this.#chance),
    );
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    this.#client = undefined;
    // One that is broken can't say goodbye
    await client?.end().catch(() => undefined);
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}
