import type { Cancel, Clock } from "../time/clock.ts";
import { isMoreUrgent, type QueueEntry, type Urgency } from "./queue-entry.ts";

/** Keys that are due at an instant of their own, and one timer for the earliest of all. */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #onDue: (key: string, urgency: Urgency) => void;
  readonly #entries = new Map<string, QueueEntry>();
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  /** @param onDue - Hears of each key at its instant, the earliest first */
  constructor(clock: Clock, onDue: (key: string, urgency: Urgency) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Of several entries of a key the earliest instant counts, and the most urgent reason. */
  add(key: string, { atMs, urgency }: QueueEntry): void {
    const before = this.#entries.get(key);
    this.#entries.set(key, {
      atMs: Math.min(atMs, before?.atMs ?? Infinity),
      urgency: before && isMoreUrgent(before.urgency, urgency) ? before.urgency : urgency,
    });
    this.#arm(atMs);
  }

  /** It is not due any more. Its timer, if that was its own, rings for nothing. */
  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets them all, and the timer. */
  clear(): void {
    this.#entries.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Rings at this instant at the latest. */
  #arm(atMs: number): void {
    if (atMs === Infinity || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return;
    this.#timer?.cancel();
    this.#timer = { atMs, cancel: this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#ring()) };
  }

  /** The one time at which all of them are looked at: whoever adds one of ten thousand must not. */
  #ring(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    let nextAtMs = Infinity;
    const due: (readonly [string, QueueEntry])[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.atMs <= nowMs) due.push([key, entry]);
      else nextAtMs = Math.min(nextAtMs, entry.atMs);
    }
    for (const [key] of due) this.#entries.delete(key);
    for (const [key, { urgency }] of due.sort(([, a], [, b]) => a.atMs - b.atMs)) this.#onDue(key, urgency);
    this.#arm(nextAtMs);
  }
}
