/** Who is served before whom: an emergency, then what was begun and is to be ended, then all else. */
export type Urgency = "emergency" | "begun" | "ordinary";

/** The most urgent first. */
export const urgencies = ["emergency", "begun", "ordinary"] as const satisfies readonly Urgency[];

export const isMoreUrgent = (a: Urgency, b: Urgency): boolean => urgencies.indexOf(a) < urgencies.indexOf(b);

/** What a queue knows of a key that somebody asked for. */
export interface QueueEntry {
  /** When it was added, or is to be; monotonic milliseconds. */
  readonly atMs: number;
  readonly urgency: Urgency;
}
