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
  /** Since when another writer has undone what is written (Unix milliseconds); absent while nobody does. */
  readonly quarrelSinceMs?: number;
}

const subject = { code: "StateUnreadable", action: "Cannot read state.json" };

/** Undefined when there is none, or none that can be read: then it is made anew, and an old request is not repeated. */
export async function readState(disk: Reader, path: string): Promise<State | undefined> {
  const text = await readIfThere(disk, path);
  if (text === undefined) return undefined;
  try {
    const fields = parseJson(text, { subject, publicOnly: true }).fields();
    const ringGeneration = fields.maybe("ringGeneration")?.wholeNumber(1);
    const quarrelSinceMs = fields.maybe("quarrelSince")?.instant();
    return {
      recoverySeenUpToMs: fields.at("recoverySeenUpTo").instant(),
      ...(quarrelSinceMs !== undefined && { quarrelSinceMs }),
      ...(ringGeneration !== undefined && { ringGeneration }),
    };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

async function writeState(disk: Disk, path: string, state: State): Promise<void> {
  const { recoverySeenUpToMs, ringGeneration, quarrelSinceMs } = state;
  const recoverySeenUpTo = formatInstant(recoverySeenUpToMs);
  const quarrelSince = quarrelSinceMs === undefined ? undefined : formatInstant(quarrelSinceMs);
  const text = `${JSON.stringify({ recoverySeenUpTo, ringGeneration, quarrelSince })}\n`;
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
    const state = await this.recall(recoverRequestedAtMs);
    const { recoverySeenUpToMs, ringGeneration = 0 } = state;
    if (recoverRequestedAtMs <= recoverySeenUpToMs && ring.generation <= ringGeneration) return;
    await this.#keep({
      ...state,
      recoverySeenUpToMs: Math.max(recoverySeenUpToMs, recoverRequestedAtMs),
      ringGeneration: Math.max(ringGeneration, ring.generation),
    });
  }

  /** Somebody undoes what is written, or nobody any more: who only looks at the directory has no other way to know it. */
  async quarrel(isOne: boolean, nowMs: number): Promise<void> {
    const { quarrelSinceMs, ...state } = await this.recall(nowMs);
    if (isOne === (quarrelSinceMs !== undefined)) return;
    await this.#keep({ ...state, ...(isOne && { quarrelSinceMs: nowMs }) });
  }

  async #keep(state: State): Promise<State> {
    await writeState(this.#disk, this.#path, state);
    this.#state = state;
    return state;
  }
}
