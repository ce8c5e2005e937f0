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
    this.#arm();
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

  #arm(): void {
    let atMs = Infinity;
    for (const entry of this.#entries.values()) atMs = Math.min(atMs, entry.atMs);
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    this.#timer = { atMs, cancel: this.#clock.after(atMs - this.#clock.monotonicMs(), () => this.#ring()) };
  }

  #ring(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { atMs, urgency }] of [...this.#entries].sort(([, a], [, b]) => a.atMs - b.atMs)) {
      if (atMs > nowMs) break;
      this.#entries.delete(key);
      this.#onDue(key, urgency);
    }
    this.#arm();
  }
}
