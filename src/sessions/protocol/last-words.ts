import type { SessionEnd } from "../core/session-end.ts";
import { type ClosingFrame, closingFrame } from "./session-frames.ts";

/** What a transport says of an end. Written once for all that end in the same way: ten thousand may in one instant. */
export class LastWords<Words> {
  readonly #write: (frame: { readonly closing: ClosingFrame }) => Words;
  readonly #known = new Map<string, Words>();

  constructor(write: (frame: { readonly closing: ClosingFrame }) => Words) {
    this.#write = write;
  }

  of(end: SessionEnd): Words {
    // Drawn by chance, it seldom comes twice
    if (end.afterMs !== 0) return this.#write({ closing: closingFrame(end) });
    const name = end.isRetryable ? end.code : `${end.code} for good`;
    let words = this.#known.get(name);
    if (words === undefined) {
      words = this.#write({ closing: closingFrame(end) });
      this.#known.set(name, words);
    }
    return words;
  }
}
