import type { KubeObject } from "../kube/object.ts";
import type { Clock } from "../time/clock.ts";

export interface ForeignWritesOptions {
  readonly clock: Pick<Clock, "after">;
  /** So long a watch may be ahead of the answer to the write that it tells of, in milliseconds. */
  readonly waitMs: number;
  readonly isOwn: (key: string, object: KubeObject) => boolean;
  /** Hears the key of each rotation whose objects somebody else has written. */
  readonly onForeign: (key: string) => void;
}

/** Tells what others have written of what the watch says: each write of the controller's own comes back by it, too. */
export class ForeignWrites {
  readonly #options: ForeignWritesOptions;
  /** Those that are waited with, by key. */
  readonly #heard = new Map<string, KubeObject[]>();

  constructor(options: ForeignWritesOptions) {
    this.#options = options;
  }

  /** One of the objects of this rotation has become so; undefined: it is gone. */
  hear(key: string, object: KubeObject | undefined): void {
    // No write of ours takes one away
    if (object === undefined) {
      this.#options.onForeign(key);
      return;
    }
    const heard = this.#heard.get(key);
    if (heard !== undefined) return void heard.push(object);
    this.#heard.set(key, [object]);
    this.#options.clock.after(this.#options.waitMs, () => this.#judge(key));
  }

  #judge(key: string): void {
    const { isOwn, onForeign } = this.#options;
    const heard = this.#heard.get(key) ?? [];
    this.#heard.delete(key);
    if (heard.some((object) => !isOwn(key, object))) onForeign(key);
  }
}
