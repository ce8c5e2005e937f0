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
    const due = { atMs, key };
    let at = heap.push(due) - 1;
    for (let above = heap[(at - 1) >> 1]; above !== undefined && atMs < above.atMs; above = heap[(at - 1) >> 1]) {
      heap[at] = above;
      at = (at - 1) >> 1;
    }
    heap[at] = due;
  }

  /** The name of the nearest instant that has come, which is taken out; undefined when none has. */
  take(nowMs: number): string | undefined {
    const heap = this.#heap;
    const [first] = heap;
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = heap.pop();
    if (last === undefined || last === first) return first.key;
    let at = 0;
    for (let below = this.#sooner(1); below !== undefined; below = this.#sooner(2 * at + 1)) {
      const due = heap[below];
      if (due === undefined || due.atMs >= last.atMs) break;
      heap[at] = due;
      at = below;
    }
    heap[at] = last;
    return first.key;
  }

  /** Of two that stand side by side the one whose instant is nearer; undefined when there is none. */
  #sooner(left: number): number | undefined {
    const [one, other] = [this.#heap[left], this.#heap[left + 1]];
    if (one === undefined) return undefined;
    return other !== undefined && other.atMs < one.atMs ? left + 1 : left;
  }
}
