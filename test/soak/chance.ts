/** A generator of chance that a seed repeats: the same seed and name give the same numbers. */
export class Chance {
  #state: number;

  constructor(...from: readonly (string | number)[]) {
    // FNV-1a over the words
    let hash = 2_166_136_261;
    for (const byte of Buffer.from(from.join("/"))) hash = Math.imul(hash ^ byte, 16_777_619);
    this.#state = hash;
  }

  /** From 0 to 1, without 1: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** One of them. @throws Error when there is none */
  of<Item>(items: readonly Item[]): Item {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new Error("Cannot choose: must have something to choose from");
    return item;
  }

  /** All of them in another order. */
  shuffled<Item>(items: readonly Item[]): readonly Item[] {
    const rest = [...items];
    return items.map(() => {
      const [item] = rest.splice(this.between(0, rest.length - 1), 1);
      // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- as many as there are
      return item!;
    });
  }
}
