import type { Backoff, Chance } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import { type QueueObserver, WorkQueue } from "./queue.ts";
import type { Urgency } from "./queue-entry.ts";

/** What a pass wants next. */
export type ReconcileOutcome =
  | {
      /** Look again after so many milliseconds, if nothing happens before. Absent: only when something happens. */
      readonly requeueAfterMs?: number;
      /** Before whom. @default ordinary */
      readonly urgency?: Urgency;
    }
  /** Not done yet, and no failure: look again after a back-off that doubles with each retry in a row. */
  | { readonly backoff: Backoff };

/** Brings the object of a key to what it should be. Its calls and writes end with the signal. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileOutcome>;

/** As controller-runtime counts: `controller_runtime_reconcile_total{result}`. */
type Result = "success" | "requeue_after" | "error";

export interface ReconcileLoopObserver extends QueueObserver {
  started?(): void;
  ended?(result: Result, tookMs: number): void;
}

export interface ReconcileLoopOptions {
  /** For metrics and logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** How many keys are worked on at once, beside one that is an emergency. @default 10 */
  readonly workers?: number;
  /** @default that of {@link WorkQueue} */
  readonly backoff?: Backoff;
  /** After so many milliseconds the signal of a pass is aborted. @default 300000 */
  readonly timeoutMs?: number;
  /** Hears of each pass that threw; the key is tried again after `retryAfterMs`. */
  readonly onError?: (failure: { key: string; error: unknown; failures: number; retryAfterMs: number }) => void;
  readonly observer?: ReconcileLoopObserver;
}

export interface RunSignals {
  /** No new pass begins; those that run may end. */
  readonly stop: AbortSignal;
  /** Those that run must end now: the lease is lost. */
  readonly abandon: AbortSignal;
}

/** What is done while the loop runs. */
export interface Work {
  readonly reconcile: Reconcile;
  /** How urgent a key is that something happened to, or that is tried again. @default ordinary */
  readonly urgencyOf?: (key: string) => Urgency;
  /** Those to begin with. */
  readonly keys?: readonly string[];
}

/**
 * Calls one function for keys, again and again, as long as {@link run} lasts; may run many times, one after the other, and
 * takes nothing along. Whatever a pass throws is contained, and tried again later.
 */
export class ReconcileLoop {
  readonly name: string;
  readonly workers: number;
  readonly #options: ReconcileLoopOptions;
  /** Absent while nothing runs: what happens then is for the next run to find. */
  #run: Run | undefined;

  constructor(options: ReconcileLoopOptions) {
    this.name = options.name;
    this.workers = options.workers ?? 10;
    this.#options = options;
  }

  /** How many keys wait for a worker. */
  get depth(): number {
    return this.#run?.queue.depth ?? 0;
  }

  /** How long each key that is being worked on has been so, in milliseconds. */
  get workingMs(): readonly number[] {
    return this.#run?.queue.workingMs ?? [];
  }

  /** Asks for a pass soon, if it runs. */
  enqueue(key: string): void {
    this.#run?.enqueue(key);
  }

  /** Asks for a pass after so many milliseconds, if it runs until then. */
  enqueueAfter(key: string, ms: number): void {
    this.#run?.queue.addAfter(key, ms);
  }

  /** Works until one of the signals; resolves when every pass has ended. */
  async run(work: Work, { stop, abandon }: RunSignals): Promise<void> {
    const run = new Run(this.#options, work, abandon);
    const shutDown = (): void => run.queue.shutDown();
    const either = AbortSignal.any([stop, abandon]);
    either.addEventListener("abort", shutDown, { once: true });
    if (either.aborted) shutDown();
    this.#run = run;
    for (const key of work.keys ?? []) run.enqueue(key);
    try {
      await Promise.all([...Array.from({ length: this.workers }, () => run.serve()), run.serveEmergencies()]);
    } finally {
      this.#run = undefined;
      either.removeEventListener("abort", shutDown);
    }
  }
}

/** One run of a loop, with a queue of its own. */
class Run {
  readonly queue: WorkQueue;
  readonly #options: ReconcileLoopOptions;
  readonly #work: Work;
  readonly #abandon: AbortSignal;

  constructor(options: ReconcileLoopOptions, work: Work, abandon: AbortSignal) {
    const { clock, chance, backoff, observer } = options;
    this.queue = new WorkQueue({ clock, chance, ...(backoff && { backoff }), ...(observer && { observer }) });
    this.#options = options;
    this.#work = work;
    this.#abandon = abandon;
  }

  enqueue(key: string): void {
    this.queue.add(key, this.#work.urgencyOf?.(key));
  }

  /** One worker; resolves when the queue is shut down. */
  serve(): Promise<void> {
    return this.#serve(() => this.queue.take());
  }

  /** One more, which is there for emergencies alone. */
  serveEmergencies(): Promise<void> {
    return this.#serve(() => this.queue.takeEmergency());
  }

  async #serve(take: () => Promise<string | undefined>): Promise<void> {
    for (let key = await take(); key !== undefined; key = await take()) {
      await this.#pass(key);
      this.queue.done(key);
    }
  }

  async #pass(key: string): Promise<void> {
    const { clock, observer } = this.#options;
    const startedAtMs = clock.monotonicMs();
    observer?.started?.();
    const result = await this.#reconcile(key);
    observer?.ended?.(result, clock.monotonicMs() - startedAtMs);
  }

  async #reconcile(key: string): Promise<Result> {
    const limit = this.#limit();
    try {
      return this.#requeue(key, await this.#work.reconcile(key, limit.signal));
    } catch (error) {
      const retryAfterMs = this.queue.retry(key, { urgency: this.#work.urgencyOf?.(key) });
      this.#options.onError?.({ key, error, failures: this.queue.retriesOf(key), retryAfterMs });
      return "error";
    } finally {
      limit.end();
    }
  }

  #requeue(key: string, outcome: ReconcileOutcome): Result {
    if ("backoff" in outcome) {
      this.queue.retry(key, { urgency: this.#work.urgencyOf?.(key), backoff: outcome.backoff });
      return "requeue_after";
    }
    this.queue.forgetRetries(key);
    if (outcome.requeueAfterMs === undefined) return "success";
    this.queue.addAfter(key, outcome.requeueAfterMs, outcome.urgency);
    return "requeue_after";
  }

  /** The signal of one pass, which ends with the time it has or with everything. */
  #limit(): { readonly signal: AbortSignal; readonly end: () => void } {
    const { clock, timeoutMs = 300_000 } = this.#options;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const cancel = clock.after(timeoutMs, abort);
    this.#abandon.addEventListener("abort", abort, { once: true });
    if (this.#abandon.aborted) abort();
    return {
      signal: controller.signal,
      end: () => {
        cancel();
        this.#abandon.removeEventListener("abort", abort);
      },
    };
  }
}
