import { readIfThere, replaceFile } from "../files/atomic.ts";
import type { Disk, Reader } from "../files/disk.ts";
import { type Cursor } from "../ring/codec/cursor.ts";
import { parseJson } from "../ring/codec/json-text.ts";
import { KeyturnError } from "../ring/errors.ts";
import { modes } from "./layout.ts";

/** What must outlive the ring itself. */
export interface State {
  /**
   * Requests for a recovery up to this instant (Unix milliseconds) are done with. Kept apart from the ring: a ring that
   * was restored has forgotten what it handled.
   */
  readonly recoverySeenUpToMs: number;
}

const subject = { code: "StateUnreadable", action: "Cannot read state.json" };

/** Undefined when there is none, or none that can be read: then it is made anew, and an old request is not repeated. */
export async function readState(disk: Reader, path: string): Promise<State | undefined> {
  const text = await readIfThere(disk, path);
  if (text === undefined) return undefined;
  try {
    const at: Cursor = parseJson(text, { subject, publicOnly: true });
    return { recoverySeenUpToMs: at.fields().at("recoverySeenUpTo").instant() };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

export async function writeState(disk: Disk, path: string, { recoverySeenUpToMs }: State): Promise<void> {
  const text = `${JSON.stringify({ recoverySeenUpTo: new Date(recoverySeenUpToMs).toISOString() })}\n`;
  await replaceFile(disk, path, { text, mode: modes.secretFile });
}
