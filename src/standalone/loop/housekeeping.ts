import { join } from "node:path";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { removeIfThere } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import type { Clocks } from "../../time/clock.ts";
import type { DirectoryStore } from "../store/directory-store.ts";
import type { Layout } from "../store/layout.ts";
import { storageError } from "../../files/storage-error.ts";
import type { AckReader } from "./ack-reader.ts";

export interface HousekeepingParts {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly store: DirectoryStore;
  readonly acks: AckReader;
  readonly clock: Clocks;
  /** The lock is held. */
  readonly isAlone: boolean;
}

/** How long the files before the current ones stay for those who have just resolved `..data`. */
const graceMs = 10_000;

/** Sees to who may read what, and removes what nobody needs any more: what a crash has left, the versions before the current ones, the acks of dead gateways. */
export class Housekeeping {
  readonly #parts: HousekeepingParts;
  #tidyAtMonotonicMs = Infinity;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  /** Before a pass. Returns why it could not be done: that holds up no pass, which may have a key to revoke. */
  async before(): Promise<KeyturnError | undefined> {
    const { store } = this.#parts;
    const unguarded = await failureOf(() => store.guard());
    return (await this.#tidy()) ?? unguarded;
  }

  async #tidy(): Promise<KeyturnError | undefined> {
    const { clock, store, isAlone } = this.#parts;
    if (store.isTidy) return undefined;
    const failure = await failureOf(() => store.tidy({ nowMs: clock.nowMs(), isAlone }));
    // The process before may have swapped a moment ago: its readers have their grace, too
    this.#tidyAtMonotonicMs = Math.min(this.#tidyAtMonotonicMs, clock.monotonicMs() + graceMs);
    return failure;
  }

  /** After a pass. @param hasPublished - It has swapped a version for another */
  async after(hasPublished: boolean): Promise<void> {
    const { clock, disk, layout, acks } = this.#parts;
    if (hasPublished) this.#tidyAtMonotonicMs = clock.monotonicMs() + graceMs;
    await this.#tidyWhenDue();
    // A gateway that was killed leaves its ack behind; its next life has another name
    for (const name of acks.dead) await removeIfThere(disk, join(layout.acks, name));
  }

  /** How long until there is something to remove, in milliseconds; Infinity: nothing. */
  get dueInMs(): number {
    return this.#tidyAtMonotonicMs - this.#parts.clock.monotonicMs();
  }

  async #tidyWhenDue(): Promise<void> {
    const { clock, store } = this.#parts;
    if (this.dueInMs > 0) return;
    // Should the disk refuse it: the pass was good, so no back-off holds the next try
    this.#tidyAtMonotonicMs = clock.monotonicMs() + graceMs;
    await store.tidyProjections();
    this.#tidyAtMonotonicMs = Infinity;
  }
}

/** Why the work could not be done; undefined when it was. */
export async function failureOf(work: () => Promise<void>): Promise<KeyturnError | undefined> {
  try {
    await work();
    return undefined;
  } catch (cause) {
    const error = storageError(cause);
    if (error instanceof KeyturnError) return error;
    throw error;
  }
}
