import type { SessionMessage } from "../../sessions/core/outbox.ts";
import { backoffMs, type Chance } from "../../time/backoff.ts";
import { type Clock, sleep } from "../../time/clock.ts";

/** A message of the application beside the gateway. */
export interface ReceivedMessage {
  /** Chosen by its sender. One that comes again after this process began anew has the same. */
  readonly id: string;
  /** At most 64 KiB. */
  readonly payload: Uint8Array;
  /** The payload as UTF-8. */
  text(): string;
  /** It can't get lost any more: its sender is told so, once all before it were taken as well. A second call does nothing. */
  taken(): void;
}

/** Hears each message, one after the other. What it has done is taken; a message that it fails with comes to it again. */
export type MessageHandler = (message: ReceivedMessage) => void | Promise<void>;

const backoff = { baseMs: 1000, maxMs: 30_000 } as const;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What has come and was not picked up yet: as many at the most as the gateway lets wait for a confirmation. */
export class Deliveries implements AsyncIterableIterator<ReceivedMessage, undefined> {
  readonly #take: (id: string) => void;
  readonly #waiting: ReceivedMessage[] = [];
  readonly #stop = new AbortController();
  #news: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param take - Hears which ones were taken */
  constructor(take: (id: string) => void) {
    this.#take = take;
  }

  push({ id, payload }: Omit<SessionMessage, "seq">): void {
    this.#waiting.push({ id, payload, text: () => utf8.decode(payload), taken: () => this.#take(id) });
    this.#wake();
  }

  /** Nothing comes any more; what has come may still be picked up. */
  end(): void {
    this.#stop.abort();
    this.#wake();
  }

  async next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) return { done: false, value };
      if (this.#stop.signal.aborted) return { done: true, value: undefined };
      await this.#news.promise;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Hands each one over, again after a while where that fails, until the end. */
  async handOver(handler: MessageHandler, clock: Pick<Clock, "after">, chance: Chance): Promise<void> {
    const { signal } = this.#stop;
    for await (const message of this) {
      for (let failures = 1; !signal.aborted; failures++) {
        try {
          await handler(message);
          message.taken();
          break;
        } catch {
          await sleep(clock, backoffMs(backoff, failures, chance), signal);
        }
      }
    }
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
