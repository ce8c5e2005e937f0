/** Names one write of a ring; made at random by who writes. Two rings of one generation with different ids are of different lines. */
export type WriteId = string;

/** The most ids that a ring remembers of its writes: about twenty rotations. */
export const writesLimit = 64;

/** What a ring says of where it comes from. */
interface Line {
  readonly generation: number;
  /** Ids of the last writes, one for each generation, the own one last. */
  readonly writes?: readonly WriteId[];
}

/** A ring that somebody has seen. */
export interface WritesSeen {
  readonly generation: number;
  /** Absent: not known. */
  readonly writeId?: WriteId;
}

/** What a ring is called. */
export function seenOf({ generation, writes }: Line): WritesSeen {
  const writeId = writes?.at(-1);
  return { generation, ...(writeId !== undefined && { writeId }) };
}

/**
 * The ring does not come from the one that was seen: where its own past had that generation stands another write. So it grew from an older
 * copy, a restored backup. False where that is not known: the ids do not reach back so far, or there are none.
 */
export function isOtherLine({ generation, writes = [] }: Line, seen: WritesSeen): boolean {
  const own = writes[writes.length - 1 - (generation - seen.generation)];
  return seen.writeId !== undefined && own !== undefined && own !== seen.writeId;
}

/** The writes of a ring that was just written: those before it go on, unless it was made anew. */
export const writesAfter = (before: Line | undefined, writeId: WriteId): readonly WriteId[] =>
  [...(before?.writes ?? []), writeId].slice(-writesLimit);
