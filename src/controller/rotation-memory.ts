import type { PassReport } from "../keeper/pass.ts";
import { quarrelIn, withWrite, type Writes } from "../keeper/quarrel.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Because } from "../ring/lack.ts";
import type { Ring } from "../ring/ring.ts";
import { pendingWaitMs } from "../ring/view.ts";
import { Rivals } from "./rival.ts";
import type { PassFacts } from "./next-look.ts";
import type { Deed } from "./status-report.ts";

/** More than two turns write: a watch is behind by less. */
const mostVersions = 12;

/** What the leader remembers of a rotation between two passes. All of it may be lost. */
export class RotationMemory {
  readonly uid: string | undefined;
  /** Other controllers of the same rotation. */
  readonly rivals = new Rivals();
  /** When the last pass began, monotonic milliseconds. */
  passedAtMs = -Infinity;
  /** Since when every pass has failed in a way that may pass by itself, monotonic milliseconds; undefined after one that did not. */
  failingSinceMs: number | undefined;
  /** The last pass wrote something, which the next one reports. */
  isOwed = false;
  #untold: readonly Deed[] = [];
  #generation = 0;
  #isPending = false;
  /** The `metadata.generation` of the resource that the last pass obeyed. */
  #obeyed: number | undefined;
  #writes: Writes = [];
  /** resourceVersions of what was written here last. */
  #versions: readonly string[] = [];

  constructor(uid: string | undefined) {
    this.uid = uid;
  }

  /** Steps whose report is still to be written. */
  get untold(): readonly Deed[] {
    return this.#untold;
  }

  /** The highest generation of the ring that was read or written here; 0: none. */
  get generation(): number {
    return this.#generation;
  }

  /** A revocation that the last pass saw has not reached everybody. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** The ring has just been written. */
  committed({ generation }: Ring, deeds: readonly Deed[]): void {
    this.#generation = Math.max(this.#generation, generation);
    this.#untold = [...this.#untold, ...deeds];
  }

  /** A pass has come to its end. */
  passed({ seen, decision, ring }: PassFacts & Pick<PassReport, "ring">, { metadata }: KubeObject): void {
    this.#generation = Math.max(this.#generation, ring?.generation ?? 0);
    this.#obeyed = metadata.generation;
    this.#isPending = pendingWaitMs(seen.observation, decision) !== Infinity;
  }

  /** The status says everything that was done. */
  toldAll(): void {
    this.#untold = [];
    this.isOwed = false;
  }

  /** One of the three objects was written. */
  wroteObject({ metadata: { resourceVersion = "" } }: KubeObject): void {
    this.#versions = [resourceVersion, ...this.#versions].slice(0, mostVersions);
  }

  /** The object is as it was written here: news of it are none. */
  hasWritten({ metadata: { resourceVersion = "" } }: KubeObject): boolean {
    return this.#versions.includes(resourceVersion);
  }

  /** A pass wrote something. Monotonic milliseconds. */
  wrote(nowMs: number): void {
    this.#writes = withWrite(this.#writes, nowMs);
  }

  /** Another writer undoes what passes write, and nothing new is asked for. */
  quarrelOver({ metadata }: KubeObject, nowMs: number): Because | undefined {
    return this.#obeyed === metadata.generation ? quarrelIn(this.#writes, nowMs) : undefined;
  }
}
