import { readIfThere, replaceFile } from "../../files/atomic.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { Ring } from "../../ring/ring.ts";
import { modes } from "../store/layout.ts";
import { formatInstant } from "../../parse/instant.ts";
import { parseJson } from "../../parse/document.ts";

/** What must outlive the ring itself. */
export interface State {
  /**
   * Requests for a recovery up to this instant (Unix milliseconds) are done with. Kept apart from the ring: a ring that
   * was restored has forgotten what it handled.
   */
  readonly recoverySeenUpToMs: number;
  /** The highest generation that was ever published here; what remembers it in a cluster is the status. */
  readonly ringGeneration?: number;
}

const subject = { code: "StateUnreadable", action: "Cannot read state.json" };

/** Undefined when there is none, or none that can be read: then it is made anew, and an old request is not repeated. */
export async function readState(disk: Reader, path: string): Promise<State | undefined> {
  const text = await readIfThere(disk, path);
  if (text === undefined) return undefined;
  try {
    const fields = parseJson(text, { subject, publicOnly: true }).fields();
    const ringGeneration = fields.maybe("ringGeneration")?.wholeNumber(1);
    return {
      recoverySeenUpToMs: fields.at("recoverySeenUpTo").instant(),
      ...(ringGeneration !== undefined && { ringGeneration }),
    };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

async function writeState(disk: Disk, path: string, { recoverySeenUpToMs, ringGeneration }: State): Promise<void> {
  const recoverySeenUpTo = formatInstant(recoverySeenUpToMs);
  const text = `${JSON.stringify({ recoverySeenUpTo, ringGeneration })}\n`;
  await replaceFile(disk, path, { text, mode: modes.secretFile });
}

/** The state of a directory as the one process that runs there keeps it. */
export class StateFile {
  readonly #disk: Disk;
  readonly #path: string;
  #state: State | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** The state; where there is none, what was asked for before anybody looked is old. */
  async recall(nowMs: number): Promise<State> {
    this.#state ??= await readState(this.#disk, this.#path);
    return this.#state ?? this.#keep({ recoverySeenUpToMs: nowMs });
  }

  /**
   * After a pass that found a sound ring: a request for a recovery is used up by it, so that it is neither lost nor
   * repeated, whatever crashes; and what is published now may not be forgotten again.
   */
  async settle(ring: Ring, recoverRequestedAtMs = -Infinity): Promise<void> {
    const { recoverySeenUpToMs, ringGeneration = 0 } = await this.recall(recoverRequestedAtMs);
    if (recoverRequestedAtMs <= recoverySeenUpToMs && ring.generation <= ringGeneration) return;
    await this.#keep({
      recoverySeenUpToMs: Math.max(recoverySeenUpToMs, recoverRequestedAtMs),
      ringGeneration: Math.max(ringGeneration, ring.generation),
    });
  }

  async #keep(state: State): Promise<State> {
    await writeState(this.#disk, this.#path, state);
    this.#state = state;
    return state;
  }
}
