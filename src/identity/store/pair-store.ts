import type { HeldPair } from "../machine/held-pair.ts";

/** Where the pair of one identity lies, and the lock that keeps others from showing its tokens. */
export interface PairStore {
  /** What is there; undefined for nothing. @throws KeyturnError */
  read(): Promise<HeldPair | undefined>;
  /**
   * Makes this process the only one that may show what is there, and reads it. Ours already: reads it alone.
   *
   * @throws TryLaterError `Locked` when another process has it, after a while
   * @throws KeyturnError when the disk has something against it
   */
  lock(): Promise<HeldPair | undefined>;
  /** Resolves once the pair would outlive a power cut; before that the one before it is there. @throws KeyturnError */
  write(pair: HeldPair): Promise<void>;
  /** Leaves nothing, not even the lock. @throws KeyturnError */
  remove(): Promise<void>;
  /** Lets others in. Does nothing where the lock is not ours. */
  unlock(): Promise<void>;
}

/** For a process that shares its pair with nobody, and begins anew when it starts. */
export function pairInMemory(): PairStore {
  let held: HeldPair | undefined;
  const read = (): Promise<HeldPair | undefined> => Promise.resolve(held);
  const hold = (pair?: HeldPair): Promise<void> => {
    held = pair;
    return Promise.resolve();
  };
  return { read, lock: read, write: hold, remove: () => hold(), unlock: () => Promise.resolve() };
}
