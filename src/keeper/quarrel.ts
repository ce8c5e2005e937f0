import type { Because } from "../ring/lack.ts";

/** When passes of one rotation wrote something, monotonic milliseconds, oldest first. */
export type Writes = readonly number[];

/**
 * A rotation takes three writes, and a person or a script may ask for one after the other: so thirty in a row can still be what
 * somebody wants. Nobody asks for thirty rotations a minute, and a hundred writes are no load for an API server or a disk.
 */
const mostWrites = 100;
/** So far back writes are counted, in milliseconds. */
const countedMs = 60_000;
/** During a quarrel a pass comes this often, in milliseconds: soon enough to mend what was undone, and no load for anybody. */
export const quarrelRestMs = 10_000;

/** What is said of it. */
export const quarrel: Because = {
  reason: "Quarrel",
  message: `more than ${mostWrites} writes in a minute: another writer changes what Keyturn keeps`,
};

/** The writes that still count, with one at this moment. */
export const withWrite = (writes: Writes, nowMs: number): Writes =>
  [...writes.filter((atMs) => nowMs - atMs < countedMs), nowMs].slice(-mostWrites - 1);

/**
 * The quarrel with another writer, who undoes what passes write; undefined while there is none. It is over when a minute
 * had fewer writes. Pure.
 */
export function quarrelIn(writes: Writes, nowMs: number): Because | undefined {
  const count = writes.filter((atMs) => nowMs - atMs < countedMs).length;
  return count <= mostWrites ? undefined : quarrel;
}
