/** Says a thing when it changes, and not at every pass. */
export class Changes {
  readonly #last = new Map<string, string>();

  has(topic: string): boolean {
    return this.#last.has(topic);
  }

  /** True when this topic said something else before, or nothing; `undefined`: there is nothing to say any more. */
  isNew(topic: string, message: string | undefined): boolean {
    if (this.#last.get(topic) === message) return false;
    if (message === undefined) this.#last.delete(topic);
    else this.#last.set(topic, message);
    return message !== undefined;
  }
}
