import type { Writes } from "../keeper/quarrel.ts";
import { Rivals } from "./rival.ts";
import type { Deed } from "./status-report.ts";

/** What the leader remembers of a rotation between two passes. All of it may be lost. */
export class RotationMemory {
  readonly uid: string | undefined;
  /** Steps whose report is still to be written. */
  untold: readonly Deed[] = [];
  /** The highest generation of the ring that was read or written here; 0: none. */
  generation = 0;
  /** How often in a row somebody else's write came before ours. */
  conflicts = 0;
  /** Since when every pass has failed, monotonic milliseconds; undefined after one that did not. */
  failingSinceMs: number | undefined;
  /** The `metadata.generation` of the resource that the last pass obeyed. */
  obeyed: number | undefined;
  /** When the last pass began, monotonic milliseconds. */
  passedAtMs = -Infinity;
  /** The last pass wrote something, which the next one reports. */
  isOwed = false;
  /** A revocation that the last pass saw has not reached everybody. */
  isPending = false;
  /** Other controllers of the same rotation. */
  readonly rivals = new Rivals();
  /** When passes wrote something. */
  writes: Writes = [];

  constructor(uid: string | undefined) {
    this.uid = uid;
  }
}
