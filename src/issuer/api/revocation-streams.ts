import { Readable } from "node:stream";
import type { Chance } from "../../time/backoff.ts";
import { Bell } from "../../time/bell.ts";
import type { Clock } from "../../time/clock.ts";
import type { Caller } from "../callers/caller.ts";
import type { TokenIssuer } from "../config/token-issuer.ts";
import type { IssuerParts } from "../tokens/issuer-parts.ts";
import { tryLater } from "./api-error.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

export interface StreamsOptions {
  readonly clock: Pick<Clock, "after">;
  readonly chance: Chance;
  /** Ends every stream: the server is about to close. */
  readonly closing: AbortSignal;
  /** How many streams at once. @default 1000 */
  readonly mostStreams?: number;
}

/** So often a stream without news says that it lives, in milliseconds. */
const heartbeatMs = 10_000;
/** Of a stream, in milliseconds, up to a quarter less: then its reader proves himself anew, since a secret may have changed. */
const longestLifeMs = 3_600_000;
/** So long a reader has for what was said before the end, in milliseconds. */
const lingerMs = 1000;

/** The open streams of revocations: bounded in number, in what waits for a slow reader, and each in time by its reader's rights. */
export class RevocationStreams {
  readonly #parts: Pick<IssuerParts, "callers" | "nowMs">;
  readonly #feed: RevocationFeed;
  readonly #options: StreamsOptions;
  #open = 0;

  constructor(parts: Pick<IssuerParts, "callers" | "nowMs">, feed: RevocationFeed, options: StreamsOptions) {
    this.#parts = parts;
    this.#feed = feed;
    this.#options = options;
  }

  /**
   * All that came after `seq`, and each that comes. Ends with the caller's token or his right, after an hour at the latest, and with its
   * reader.
   *
   * @throws AnswerError 503 `TooMany`
   */
  open(caller: Caller, seq: number): Readable {
    const { clock, chance, closing, mostStreams = 1000 } = this.#options;
    if (this.#open >= mostStreams) throw tryLater("TooMany", "Cannot open one more stream");
    this.#open += 1;
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const events = this.#events(caller, { seq, signal: ended.signal });
    // No more than one page is read ahead of the reader
    const stream = Readable.from(events, { objectMode: false, highWaterMark: 1 });
    const forget = [clock.after(this.#lifeOf(caller, chance), end)];
    ended.signal.addEventListener("abort", () => forget.push(clock.after(lingerMs, () => stream.destroy())));
    closing.addEventListener("abort", end);
    stream.once("close", () => {
      this.#open -= 1;
      closing.removeEventListener("abort", end);
      end();
      for (const cancel of forget) cancel();
    });
    if (closing.aborted) end();
    return stream;
  }

  #lifeOf(caller: Caller, chance: Chance): number {
    const longestMs = longestLifeMs * (1 - chance() / 4);
    return caller.kind === "foreign" ? Math.min(longestMs, caller.expiresAtMs - this.#parts.nowMs()) : longestMs;
  }

  async *#events(
    caller: Caller,
    { seq, signal }: { readonly seq: number; readonly signal: AbortSignal },
  ): AsyncGenerator<string, void, void> {
    const feed = this.#feed;
    const bell = new Bell(this.#options.clock);
    const forget = feed.onNews(() => bell.ring());
    // Ahead of the log: of a store that went back to an older backup. He hears everything once more
    let after = seq > feed.last ? 0 : seq;
    try {
      yield ":\n\n";
      while (!signal.aborted && mayWatch(this.#parts.callers.config, caller)) {
        const page = await feed.after(after);
        after = page?.seq ?? after;
        const isLast = page === undefined || page.seq === feed.last;
        // Who reads the log in vain does not know that this is all. In one write: there may be a thousand readers
        const sign = feed.isCurrent ? `event: current\nid: ${after}\ndata: {}\n\n` : ":\n\n";
        const text = `${page?.text ?? ""}${isLast ? sign : ""}`;
        if (text !== "") yield text;
        if (isLast) await bell.sleep(heartbeatMs, signal);
      }
    } finally {
      forget();
    }
  }
}

/** Whether the file in force still allows it. */
function mayWatch({ clients, trust }: TokenIssuer, caller: Caller): boolean {
  const allowed =
    caller.kind === "client"
      ? clients.find(({ id }) => id === caller.clientId)?.allowed
      : trust.find(({ issuer }) => issuer === caller.issuer)?.rules.find(({ name }) => name === caller.rule)?.allowed;
  return allowed?.watchRevocations === true;
}
