import { type Clock, sleep } from "../../time/clock.ts";
import { formatInstant } from "../../parse/instant.ts";
import { type FollowOptions, followLog, type RevocationListener } from "../store/follow-revocations.ts";
import type { LoggedRevocation, RevocationLog } from "../store/revocation-log.ts";

/** Events in a row. */
export interface FeedPage {
  /** Empty where all of them have ended. */
  readonly text: string;
  /** Of the last one: what comes after it is the next page. */
  readonly seq: number;
}

type Said = Pick<LoggedRevocation, "seq" | "endsAtMs"> & { readonly text: string };

/** So many of the latest are kept as they go over the wire, whoever asks. */
const mostRecent = 1000;
/** Of one page: as much as waits in memory for a reader that is slow. */
const pageSize = 100;

/** Reads the log once for all streams: a revocation is one query, however many gateways hear of it. */
export class RevocationFeed implements RevocationListener {
  readonly #log: Pick<RevocationLog, "revocationsAfter">;
  readonly #nowMs: () => number;
  /** All that come after {@link #from}. */
  #recent: Said[] = [];
  #from = 0;
  #last = 0;
  #isCurrent = false;
  readonly #listeners = new Set<() => void>();
  readonly #begun = Promise.withResolvers<undefined>();

  constructor(log: Pick<RevocationLog, "revocationsAfter">, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Until the signal. */
  run(log: RevocationLog, signal: AbortSignal, options: FollowOptions): Promise<void> {
    const onProblem = (error: unknown): void => {
      this.#isCurrent = false;
      options.onProblem(error);
    };
    return followLog(log, { listener: this, signal }, { ...options, onProblem });
  }

  /** Resolves with true as soon as the log has been read once, with false after so long. */
  async hasBegun(withinMs: number, clock: Pick<Clock, "after">): Promise<boolean> {
    if (this.#isCurrent) return true;
    const given = new AbortController();
    const begun = this.#begun.promise.then(() => true);
    const isBegun = await Promise.race([begun, sleep(clock, withinMs, given.signal).then(() => false)]);
    given.abort();
    return isBegun;
  }

  /** The `seq` of the last revocation. */
  get last(): number {
    return this.#last;
  }

  /** Whether what has been read is all: false while the log can't be read. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  revoked(one: LoggedRevocation): void {
    this.#isCurrent = false;
    this.#last = one.seq;
    this.#recent.push(saidOf(one));
    if (this.#recent.length < 2 * mostRecent) return;
    this.#from = this.#recent[mostRecent - 1]?.seq ?? this.#from;
    this.#recent = this.#recent.slice(mostRecent);
  }

  current(): void {
    this.#isCurrent = true;
    this.#begun.resolve(undefined);
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when there is something new, until the function that it returns is called. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What came after `seq`, in its order; undefined: nothing. @throws TryLaterError `StoreAway` */
  async after(seq: number): Promise<FeedPage | undefined> {
    const said =
      seq >= this.#from ? this.#recentAfter(seq) : (await this.#log.revocationsAfter(seq, pageSize)).map(saidOf);
    const last = said.at(-1);
    const nowMs = this.#nowMs();
    const inForce = said.filter(({ endsAtMs }) => endsAtMs > nowMs);
    return last && { seq: last.seq, text: inForce.map(({ text }) => text).join("") };
  }

  #recentAfter(seq: number): readonly Said[] {
    const first = this.#recent.findLastIndex((one) => one.seq <= seq) + 1;
    return this.#recent.slice(first, first + pageSize);
  }
}

const saidOf = (one: LoggedRevocation): Said => ({
  seq: one.seq,
  endsAtMs: one.endsAtMs,
  text: `id: ${one.seq}\ndata: ${JSON.stringify(wireOf(one))}\n\n`,
});

/** As gateways are told of it. */
export const wireOf = ({ seq, kind, value, atMs, endsAtMs }: LoggedRevocation): object => ({
  seq,
  kind,
  value,
  at: formatInstant(atMs),
  endsAt: formatInstant(endsAtMs),
});
