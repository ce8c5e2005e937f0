import type { Known } from "../crypto/unclaimed.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { Reading } from "../ring/found.ts";
import type { Conflict } from "../ring/plan.ts";
import { keysOf, type Ring } from "../ring/ring.ts";
import type { DocumentRead } from "./document-read.ts";
import type { RingStore, Snapshot } from "./store.ts";

export interface Publishing<Read extends DocumentRead = DocumentRead> {
  /** What stood there when the pass read it. */
  readonly snapshot: Snapshot<Read>;
  /** What is somebody else's, and never written. */
  readonly conflicts: readonly Conflict[];
}

/** What became of the projections. */
export interface Published {
  readonly written: readonly ProjectionName[];
  readonly unwritten: readonly Unwritten<ProjectionName>[];
}

/** An object that could not be written, and why. */
export interface Unwritten<Object extends string> {
  readonly object: Object;
  readonly error: Error;
}

export const unwrittenBy = <Object extends string>(object: Object, error: unknown): Unwritten<Object> => ({
  object,
  error: error instanceof Error ? error : new TypeError("Cannot write: what was thrown is no error", { cause: error }),
});

/**
 * Brings both projections up to date. A verifier knows a key before somebody signs with it: so the public object goes first,
 * and the signer object waits for it, unless it is lost and its key was published before. In an emergency each is written by
 * itself, the signer object first: whoever has a revoked key in hand signs with it, and accepts it, until that is written.
 */
export async function publishEach<Read extends DocumentRead>(
  store: Pick<RingStore<Read>, "publish">,
  next: Known,
  { snapshot, conflicts }: Publishing<Read>,
): Promise<Published> {
  const { ring } = next;
  const [signer, open] = [snapshot.signer.reading, snapshot.public.reading];
  const isUrgent = holdsRevoked(signer, ring) || holdsRevoked(open, ring);
  const isAlone = isUrgent || (signer.kind !== "ring" && ring.signer.publishedAtMs !== undefined);
  const written: ProjectionName[] = [];
  const unwritten: Unwritten<ProjectionName>[] = [];
  for (const object of isUrgent ? signerFirst : publicFirst) {
    if (conflicts.some((conflict) => conflict.object === object)) continue;
    if (unwritten.length > 0 && !isAlone) break;
    try {
      if (await store.publish(object, next, snapshot)) written.push(object);
    } catch (error) {
      unwritten.push(unwrittenBy(object, error));
    }
  }
  return { written, unwritten };
}

const publicFirst: readonly ProjectionName[] = ["public", "signer"];
const signerFirst: readonly ProjectionName[] = ["signer", "public"];

/** The ring has revoked a key that still stands there. */
const holdsRevoked = (reading: Reading, { revoked }: Ring): boolean =>
  reading.kind === "ring" && keysOf(reading.ring).some(({ kid }) => revoked.some((one) => one.kid === kid));
