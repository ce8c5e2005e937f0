/** When a long-lived connection ends, and by when its owner should have opened another. Unix milliseconds. */
export interface SessionDeadlines {
  /** The end of the token that opened it; absent where the token has none. */
  readonly expiresAtMs?: number;
  /** The owner is asked to be back, with a newer token, before this instant. */
  readonly reconnectBeforeMs?: number;
  /** Closed then, whatever was said: the end and the grace. */
  readonly closesAtMs?: number;
}

export interface Opened {
  /** When it was opened, or renewed in place. */
  readonly nowMs: number;
  /** The end of the token that was shown. */
  readonly expiresAtMs?: number;
  /** How long after its end a session is closed that was not renewed, in milliseconds; at least 0. */
  readonly graceMs: number;
  /** From 0 to below 1, drawn once for each session: those that began together do not come back together. */
  readonly jitter: number;
}

const leastLeadMs = 5000;
/** Of what is left of its life. The owner renews at 80 %: from there on it has a fiftieth of the life for that, at the least. */
const share = { least: 0.1, most: 0.18, short: 0.15 } as const;

/**
 * The deadlines of a session. Its owner is to be back 10 to 18 % of what is left before the end, and at least 5 s before; where that
 * is more than 15 % of a short life, 15 %. So the owner's own renewal, at 80 % of the token's life, lies before it.
 */
export function sessionDeadlines({ nowMs, expiresAtMs, graceMs, jitter }: Opened): SessionDeadlines {
  if (expiresAtMs === undefined) return {};
  const leftMs = Math.max(0, expiresAtMs - nowMs);
  const drawnMs = leftMs * (share.least + (share.most - share.least) * jitter);
  const leadMs = Math.max(drawnMs, Math.min(leastLeadMs, leftMs * share.short));
  return { expiresAtMs, reconnectBeforeMs: expiresAtMs - leadMs, closesAtMs: expiresAtMs + graceMs };
}
