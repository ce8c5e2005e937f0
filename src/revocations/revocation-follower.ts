import type { SmallFiles } from "../files/small-files.ts";
import { RevokedSet } from "../jwt/revoked-set.ts";
import type { Remark } from "../telemetry/health.ts";
import type { Log } from "../telemetry/log.ts";
import { type Backoff, backoffMs, type Chance } from "../time/backoff.ts";
import { type Clock, type Moment, momentOf, sleep } from "../time/clock.ts";
import { type RevocationEvent, RevocationEvents } from "./revocation-events.ts";
import { revocationStream, type RevocationSource } from "./revocation-source.ts";
import { SourceAwayError } from "./source-away.ts";

/** What a gateway is told of revocations. */
export interface RevocationPlan extends RevocationSource {
  /**
   * How old the issuer's last word may be, in milliseconds; with an older one, and before the first, tokens are not judged at all.
   *
   * @default what is known counts, however old it is
   */
  readonly maxAgeMs?: number;
}

export interface FollowerOptions extends RevocationPlan {
  readonly files: SmallFiles;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** How many are kept; one takes some 200 bytes. @default 200000 */
  readonly mostEntries?: number;
}

const backoff: Backoff = { baseMs: 250, maxMs: 15_000 };
/** A stream that lived so long was a good one: what went wrong before it is forgotten. In milliseconds. */
const goodStreamMs = 10_000;
/** So long nobody is served before the first word, at the most; in milliseconds. */
const firstWordMs = 5000;
const pruneEveryMs = 60_000;

/**
 * Hears from an issuer what is revoked, and keeps it in {@link revoked} until no token can be concerned by it any more: first all that is
 * in force, then each that comes; after a broken connection whatever came after the last one that it knows. Nothing that it was told is ever
 * taken back, also when the issuer's store went back to an older backup.
 */
export class RevocationFollower {
  readonly revoked = new RevokedSet();
  readonly #options: Required<Pick<FollowerOptions, "mostEntries">> & FollowerOptions;
  readonly #startedAt: Moment;
  #seq: number | undefined;
  /** When the issuer said last that all has been said. */
  #current: Moment | undefined;
  #isConnected = false;
  #hasTried = false;
  #hasPassedOver = false;
  #problem: string | undefined;
  #prunedAtMs = 0;

  constructor(options: FollowerOptions) {
    this.#options = { mostEntries: 200_000, ...options };
    this.#startedAt = momentOf(options.clock);
  }

  /** Whether a stream is open, and all that came before it was said. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /**
   * How long ago all that is revoked was known, in milliseconds; before the first time, since the start. By the clock that says more:
   * the wall clock may be set back, and the other one may have stood still with the machine.
   */
  get silenceMs(): number {
    const { nowMs, monotonicMs } = momentOf(this.#options.clock);
    const since = this.#current ?? this.#startedAt;
    return Math.max(0, nowMs - since.nowMs, monotonicMs - since.monotonicMs);
  }

  /** Whether tokens may be judged by what is known. */
  get isFit(): boolean {
    const { maxAgeMs } = this.#options;
    if (maxAgeMs === undefined) return this.#hasTried;
    return this.#current !== undefined && this.silenceMs <= maxAgeMs;
  }

  /** For `/readyz`. */
  health(): string | Remark | undefined {
    const why = this.#problem === undefined ? "" : `; ${this.#problem}`;
    const seconds = Math.floor(this.silenceMs / 1000);
    if (!this.isFit) {
      return this.#current === undefined
        ? `what is revoked is not known yet${why}`
        : `what is revoked was known ${seconds} s ago, which is more than is allowed${why}`;
    }
    return why === "" ? undefined : { remark: `what is revoked was known ${seconds} s ago${why}` };
  }

  /** Until the signal; never rejects but for a defect. */
  async run(signal: AbortSignal): Promise<void> {
    const cancel = this.#options.clock.after(firstWordMs, () => (this.#hasTried = true));
    for (let failures = 0; !signal.aborted;) failures = await this.#try(failures, signal);
    cancel();
  }

  /** One connection, and the wait after it. @returns how many have failed in a row */
  async #try(failuresBefore: number, signal: AbortSignal): Promise<number> {
    const { clock, chance } = this.#options;
    const beganAtMs = clock.monotonicMs();
    const away = await this.#hear(signal);
    this.#isConnected = false;
    if (signal.aborted) return 0;
    const wasGood = clock.monotonicMs() - beganAtMs >= goodStreamMs;
    const failures = wasGood ? 1 : failuresBefore + 1;
    // Streams end: a token has, or the issuer begins anew
    if (away !== undefined || !wasGood) this.#tell(away?.message ?? "ends a stream that has just begun");
    this.#prune();
    await sleep(clock, (away?.retryAfterMs ?? 0) + backoffMs(backoff, failures, chance), signal);
    return failures;
  }

  /** @returns why it is over; undefined when the issuer has ended it in good order */
  async #hear(signal: AbortSignal): Promise<SourceAwayError | undefined> {
    const { files, clock } = this.#options;
    const after = this.#seq;
    const events = new RevocationEvents();
    try {
      const stream = revocationStream(this.#options, { files, clock, signal, ...(after !== undefined && { after }) });
      for await (const chunk of stream) for (const event of events.read(chunk)) this.#take(event);
      return undefined;
    } catch (error) {
      if (error instanceof SourceAwayError) return error;
      throw error;
    }
  }

  #take(event: RevocationEvent): void {
    switch (event.kind) {
      case "revoked":
        this.#makeRoom();
        this.revoked.add(event.revocation);
        break;
      case "unknown":
        this.#passOver();
        break;
      case "current":
        this.#knowsAll();
        break;
      default:
        event satisfies never;
    }
    this.#seq = event.seq;
  }

  #passOver(): void {
    if (!this.#hasPassedOver)
      this.#options.log.warn({}, "Revocations of a kind that only a newer Keyturn knows don't count here");
    this.#hasPassedOver = true;
  }

  #makeRoom(): void {
    const { mostEntries } = this.#options;
    if (this.revoked.size < mostEntries) return;
    this.#prune();
    if (this.revoked.size < mostEntries) return;
    throw new SourceAwayError(
      `says more than the ${mostEntries} revocations that are kept at once: later ones don't count`,
    );
  }

  #knowsAll(): void {
    const { clock, log } = this.#options;
    const isNews = this.#problem !== undefined || this.#current === undefined;
    this.#current = momentOf(clock);
    this.#hasTried = true;
    this.#isConnected = true;
    this.#problem = undefined;
    if (isNews) log.info({ revocations: this.revoked.size }, "What is revoked is known");
    if (clock.monotonicMs() >= this.#prunedAtMs + pruneEveryMs) this.#prune();
  }

  #tell(why: string): void {
    this.#hasTried = true;
    const { log, url } = this.#options;
    const problem = `${url.origin} ${why}`;
    if (problem !== this.#problem) log.warn({}, `What is revoked is not heard of: ${problem}`);
    this.#problem = problem;
  }

  #prune(): void {
    const { clock } = this.#options;
    this.revoked.prune(clock.nowMs());
    this.#prunedAtMs = clock.monotonicMs();
  }
}
