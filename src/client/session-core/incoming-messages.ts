/** A message that was heard: one of which nothing was known; one that comes again; one before which others are missing. */
export type Heard = "new" | "again" | "gap";

/** So many ids are remembered in any case; more where a gateway lets more wait. */
const leastRemembered = 1024;

/**
 * What comes for the application: each once, by its number within sessions that go on with each other, by its id beyond. Confirmed is what the
 * application has taken, and all before it.
 */
export class IncomingMessages {
  #heardSeq = 0;
  #takenSeq = 0;
  /** Those above `takenSeq`, in their order. */
  #open: string[] = [];
  /** Ids that were heard, the oldest first, and whether each was taken. */
  readonly #had = new Map<string, boolean>();
  #remembered = leastRemembered;

  /** The highest number that is confirmed. */
  get takenSeq(): number {
    return this.#takenSeq;
  }

  /**
   * A session was accepted.
   *
   * @param isResumed - The numbers go on
   * @param queueMessages - So many may be sent without a confirmation, and so come again later under other numbers
   */
  begin({ isResumed, queueMessages }: { readonly isResumed: boolean; readonly queueMessages: number }): void {
    this.#remembered = Math.max(this.#remembered, queueMessages);
    if (isResumed) return;
    this.#heardSeq = 0;
    this.#takenSeq = 0;
    this.#open = [];
  }

  heard({ seq, id }: { readonly seq: number; readonly id: string }): Heard {
    if (seq <= this.#heardSeq) return "again";
    if (seq !== this.#heardSeq + 1) return "gap";
    this.#heardSeq = seq;
    this.#open.push(id);
    if (this.#had.has(id)) {
      this.#advance();
      return "again";
    }
    this.#had.set(id, false);
    this.#forget();
    return "new";
  }

  /** The application has this one. True: {@link takenSeq} has moved. */
  take(id: string): boolean {
    if (this.#had.get(id) !== false) return false;
    this.#had.set(id, true);
    return this.#advance();
  }

  #advance(): boolean {
    const open = this.#open.findIndex((id) => this.#had.get(id) === false);
    const taken = open === -1 ? this.#open.length : open;
    this.#open.splice(0, taken);
    this.#takenSeq += taken;
    return taken > 0;
  }

  /** What was not taken stays: it is in the application's hands. */
  #forget(): void {
    for (const [id, isTaken] of this.#had) {
      if (this.#had.size <= this.#remembered) return;
      if (isTaken) this.#had.delete(id);
    }
  }
}
