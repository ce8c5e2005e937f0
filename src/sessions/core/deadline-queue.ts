interface Due {
  readonly atMs: number;
  readonly key: string;
}

/** Instants with names, the nearest first: a heap. A name may stand in it more than once; whoever takes it out looks whether it is still so. */
export class DeadlineQueue {
  readonly #heap: Due[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Unix milliseconds; Infinity when there is none. */
  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  add(atMs: number, key: string): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push({ atMs, key });
    while (at > 0 && this.#atMs(at) < this.#atMs((at - 1) >> 1)) at = this.#swap(at, (at - 1) >> 1);
  }

  /** The name of the nearest instant that has come, which is taken out; undefined when none has. */
  take(nowMs: number): string | undefined {
    const heap = this.#heap;
    const [first] = heap;
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last === undefined || last === first) return first.key;
    heap[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = this.#atMs(right) < this.#atMs(left) ? right : left;
      if (!(this.#atMs(child) < this.#atMs(at))) return first.key;
      at = this.#swap(at, child);
    }
  }

  #atMs(at: number): number {
    return this.#heap[at]?.atMs ?? Infinity;
  }

  #swap(one: number, other: number): number {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a && b) [this.#heap[one], this.#heap[other]] = [b, a];
    return other;
  }
}
