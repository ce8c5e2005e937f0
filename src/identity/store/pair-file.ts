import { errnoOf } from "../../errors/errno-words.ts";
import { dirname } from "node:path";
import { TryLaterError } from "../../errors/keyturn-error.ts";
import { ensureDir, readIfThere, removeIfThere, replaceFile } from "../../files/atomic.ts";
import { type Disk, nodeDisk } from "../../files/disk.ts";
import { acquireLock, type Lock, lockRequest } from "../../files/lock.ts";
import { withStorageErrors } from "../../files/storage-error.ts";
import type { Chance } from "../../time/backoff.ts";
import { type Clock, sleep, systemClock } from "../../time/clock.ts";
import type { HeldPair } from "../machine/held-pair.ts";
import { decodePair, encodePair } from "./pair-document.ts";
import type { PairStore } from "./pair-store.ts";

export interface PairFileOptions {
  /** The file; its directory is made when it is missing. Beside it lie `PATH.lock` and, for a moment, `PATH.tmp`. */
  readonly path: string;
  /** What the tokens are for: the issuer, the client, what is asked for. What is there for another purpose counts as nothing. */
  readonly purpose: string;
  /** `ofDirectory`: who opens it has locked all that lies there, and the file needs no lock of its own. @default own */
  readonly lock?: "own" | "ofDirectory";
  /** @default the real one */
  readonly disk?: Disk;
  /** @default the machine's */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly chance?: Chance;
  /** So long another process may have the lock before it is an error, in milliseconds. @default 5000 */
  readonly lockWithinMs?: number;
  /** Hears once that this file system has no locks, and why: two processes on one file are not found out there. */
  readonly onNoLock?: (why: string) => void;
}

const modes = { dir: 0o700, file: 0o600 } as const;

/**
 * The pair in a file of its own, mode 0600, replaced whole and synced. A lock of its own is a directory of sockets beside it: the kernel frees it
 * however its process ends.
 */
export function pairFile(options: PairFileOptions): PairStore {
  const { path, purpose, disk = nodeDisk() } = options;
  const lockDir = `${path}.lock`;
  let own: Lock | undefined;
  const read = async (): Promise<HeldPair | undefined> => {
    const text = await readIfThere(disk, path);
    return text === undefined ? undefined : decodePair(text, { path, purpose });
  };
  const lock = async (): Promise<void> => {
    if (own !== undefined) return;
    await ensureDir(disk, dirname(path), modes.dir);
    if (options.lock === "ofDirectory") return;
    own = await lockSoon(disk, { path, lockDir }, options);
    if (own.missing !== undefined) options.onNoLock?.(own.missing);
  };
  const unlock = async (): Promise<void> => {
    const lockBefore = own;
    own = undefined;
    await lockBefore?.release();
  };
  return {
    read: () => withStorageErrors(read),
    lock: () =>
      withStorageErrors(async () => {
        await lock();
        return read();
      }),
    write: (pair) =>
      withStorageErrors(async () => {
        await lock();
        await replaceFile(disk, path, { text: encodePair(pair, purpose), mode: modes.file });
      }),
    remove: () =>
      withStorageErrors(async () => {
        await removeIfThere(disk, path);
        await removeIfThere(disk, `${path}.tmp`);
        await unlock();
        if (options.lock !== "ofDirectory") await removeLock(disk, lockDir);
      }),
    unlock: () => withStorageErrors(unlock),
  };
}

async function lockSoon(
  disk: Disk,
  locked: { readonly path: string; readonly lockDir: string },
  options: PairFileOptions,
): Promise<Lock> {
  const { clock = systemClock, chance = Math.random, lockWithinMs = 5000 } = options;
  const pause = (ms: number): Promise<void> => sleep(clock, ms);
  const request = lockRequest(clock.nowMs(), { chance, pause });
  const untilMs = clock.monotonicMs() + lockWithinMs;
  for (;;) {
    try {
      return await acquireLock(disk, locked, request);
    } catch (error) {
      const isBusy = error instanceof TryLaterError && error.code === "Locked";
      if (!isBusy || clock.monotonicMs() >= untilMs) throw error;
    }
    await pause(50 + chance() * 100);
  }
}

/** One in which somebody else listens by now stays. */
async function removeLock(disk: Disk, lockDir: string): Promise<void> {
  try {
    await disk.removeDir(lockDir);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) throw error;
  }
}
