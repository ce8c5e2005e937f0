import type { Backoff, Chance } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import { type QueueObserver, type Urgency, WorkQueue } from "./queue.ts";

/** What a pass wants next. */
export interface ReconcileOutcome {
  /** Look again after so many milliseconds, if nothing happens before. Absent: only when something happens. */
  readonly requeueAfterMs?: number;
  /** Before whom. @default ordinary */
  readonly urgency?: Urgency;
}

/** Brings the object of a key to what it should be. Its calls and writes end with the signal. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileOutcome>;

/** As controller-runtime counts: `controller_runtime_reconcile_total{result}`. */
export type Result = "success" | "requeue_after" | "error";

export interface ReconcileLoopObserver extends QueueObserver {
  started?(): void;
  ended?(result: Result, tookMs: number): void;
}

export interface ReconcileLoopOptions {
  /** For metrics and logs. */
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly chance: Chance;
  /** How many keys are worked on at once. @default 4 */
  readonly workers?: number;
  /** @default that of {@link WorkQueue} */
  readonly backoff?: Backoff;
  /** After so many milliseconds the signal of a pass is aborted. @default 300000 */
  readonly timeoutMs?: number;
  /** How urgent a key is that something happened to, or that failed. @default ordinary */
  readonly urgencyOf?: (key: string) => Urgency;
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

/** Calls one function for keys, again and again. Whatever a pass throws is contained, and tried again later. */
export class ReconcileLoop {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly #options: ReconcileLoopOptions;

  constructor(options: ReconcileLoopOptions) {
    const { clock, chance, backoff, observer } = options;
    this.name = options.name;
    this.workers = options.workers ?? 4;
    this.#options = options;
    this.queue = new WorkQueue({ clock, chance, ...(backoff && { backoff }), ...(observer && { observer }) });
  }

  /** Asks for a pass soon. */
  enqueue(key: string): void {
    this.queue.add(key, this.#options.urgencyOf?.(key));
  }

  /** Works until one of the signals; resolves when every pass has ended. Once only. */
  async run({ stop, abandon }: RunSignals): Promise<void> {
    const shutDown = (): void => this.queue.shutDown();
    const either = AbortSignal.any([stop, abandon]);
    either.addEventListener("abort", shutDown, { once: true });
    if (either.aborted) shutDown();
    await Promise.all(Array.from({ length: this.workers }, () => this.#work(abandon)));
    either.removeEventListener("abort", shutDown);
  }

  async #work(abandon: AbortSignal): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      await this.#pass(key, abandon);
      this.queue.done(key);
    }
  }

  async #pass(key: string, abandon: AbortSignal): Promise<void> {
    const { clock, observer } = this.#options;
    const startedAtMs = clock.monotonicMs();
    observer?.started?.();
    const result = await this.#reconcile(key, abandon);
    observer?.ended?.(result, clock.monotonicMs() - startedAtMs);
  }

  async #reconcile(key: string, abandon: AbortSignal): Promise<Result> {
    const { reconcile, onError, urgencyOf } = this.#options;
    const limit = this.#limit(abandon);
    try {
      const { requeueAfterMs, urgency } = await reconcile(key, limit.signal);
      this.queue.forgetFailures(key);
      if (requeueAfterMs === undefined) return "success";
      this.queue.addAfter(key, requeueAfterMs, urgency);
      return "requeue_after";
    } catch (error) {
      const retryAfterMs = this.queue.addAfterFailure(key, urgencyOf?.(key));
      onError?.({ key, error, failures: this.queue.failuresOf(key), retryAfterMs });
      return "error";
    } finally {
      limit.end();
    }
  }

  /** The signal of one pass, which ends with the time it has or with everything. */
  #limit(abandon: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
    const { clock, timeoutMs = 300_000 } = this.#options;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const cancel = clock.after(timeoutMs, abort);
    abandon.addEventListener("abort", abort, { once: true });
    if (abandon.aborted) abort();
    return {
      signal: controller.signal,
      end: () => {
        cancel();
        abandon.removeEventListener("abort", abort);
      },
    };
  }
}
