/** What the owner of a session knows of its deadlines, on any clock that goes on evenly. In milliseconds. */
export interface KnownDeadlines {
  /** When it was opened, or renewed in place. */
  readonly openedAtMs: number;
  /** The end of its token; absent where it has none. */
  readonly expiresAtMs?: number;
  /** The owner is asked to be back before this instant; absent: never. */
  readonly reconnectBeforeMs?: number;
}

/** From here on, of what was left of its token at the beginning, the owner's own renewal has been: `renewAtMs` is no later. */
const renewedShare = 0.8;
/** Of the time between: the rest is for the connection that has to be made. */
const usedShare = 0.75;

/**
 * When the owner of a session opens the next one: at a moment of chance after its token's own renewal and before the instant that it was
 * given, with a quarter of the time between to spare. Infinity: never.
 *
 * @param jitter - From 0 to below 1, drawn once for each session: those that were opened together do not come back together
 */
export function comeBackAtMs(known: KnownDeadlines, jitter: number): number {
  const { openedAtMs, reconnectBeforeMs } = known;
  if (reconnectBeforeMs === undefined) return Infinity;
  const { expiresAtMs = reconnectBeforeMs } = known;
  const renewedAtMs = openedAtMs + renewedShare * Math.max(0, expiresAtMs - openedAtMs);
  const betweenMs = reconnectBeforeMs - renewedAtMs;
  // A gateway that asks for more than can be kept is given all of what is left
  return betweenMs <= 0 ? reconnectBeforeMs : renewedAtMs + betweenMs * usedShare * jitter;
}
