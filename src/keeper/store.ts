import type { Known } from "../crypto/unclaimed.ts";
import type { ProjectionName, RingObject } from "../ring/codec.ts";
import type { Algorithm } from "../ring/key.ts";
import type { RotationRef } from "../ring/ring.ts";
import type { DocumentRead } from "./document-read.ts";

/** The three objects, each as it was read. A store's own reading says, beside what stands there, what a write must follow. */
export type Snapshot<Read extends DocumentRead = DocumentRead> = Readonly<Record<RingObject, Read>>;

/** Whose objects these are to be. */
export interface RotationIdentity {
  readonly rotation: RotationRef;
  /** What an RSA key that does not say so is for, where one is found. */
  readonly algorithm: Algorithm;
}

/** Keys that a write will not take over, and must not lose. */
export interface SetAside {
  /** In which of the three objects they stand. */
  readonly object: RingObject;
  /** How that is called there. */
  readonly from: string;
  /** Where they are kept from then on. */
  readonly to: string;
}

/**
 * Where the three objects of a rotation stand: a directory, or a namespace of a cluster. Each is read live and written whole; what
 * stands in the way and holds keys that the ring lacks is set aside before it is written over.
 */
export interface RingStore<Read extends DocumentRead = DocumentRead> {
  /** One of the objects. What is wrong with it is a reading, never an error. Writes nothing. */
  read(object: RingObject, identity: RotationIdentity): Promise<Read>;
  /**
   * Makes this the ring, by compare-and-swap against the ring object of the snapshot.
   *
   * @throws TryLaterError `Conflict` when somebody else was faster
   */
  commit(next: Known, seen: Snapshot<Read>): Promise<void>;
  /**
   * Brings a projection up to date, never over a newer one. Returns false if it was already.
   *
   * @throws TryLaterError `Conflict` when somebody else was faster
   */
  publish(object: ProjectionName, next: Known, seen: Snapshot<Read>): Promise<boolean>;
  /**
   * Gives an object whose data stay as they are what is to stand beside them: labels, an owner. Returns whether it lacked any.
   * @default nothing stands beside them
   */
  relabel?(object: RingObject, seen: Snapshot<Read>): Promise<boolean>;
  /** What `commit` and `publish` would set aside. Writes nothing. */
  setsAside(next: Known, seen: Snapshot<Read>): Promise<readonly SetAside[]>;
}
