import { watch } from "node:fs";
import { currentVersion } from "./data-dir.ts";
import type { Reader } from "./disk.ts";

/** Something that can be woken up early. */
export interface Waker {
  /** Ends the wait that is under way, or the next one. */
  wake(): void;
  /** Resolves after so many milliseconds, when woken, or with the signal. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest timer: beyond 2³¹ - 1 ms Node's fire at once. */
const longestWaitMs = 86_400_000;

/** A waker on real timers. */
export function newWaker(): Waker {
  let woken = false;
  let end: (() => void) | undefined;
  return {
    wake: () => {
      woken = true;
      end?.();
    },
    wait: async (ms, signal) => {
      if (!woken && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const stop = (): void => {
            clearTimeout(timer);
            signal.removeEventListener("abort", stop);
            resolve();
          };
          const timer = setTimeout(stop, Math.min(Math.max(ms, 0), longestWaitMs));
          signal.addEventListener("abort", stop, { once: true });
          end = stop;
        });
        end = undefined;
      }
      woken = false;
    },
  };
}

/**
 * Calls `changed` soon after something in one of the directories changes, as far as the kernel says so. An accelerator:
 * whoever uses it polls as well, because network file systems say nothing, watches run out, and a directory may be
 * replaced. Directories that are missing are passed over.
 */
export function watchDirs(dirs: readonly string[], changed: () => void, signal: AbortSignal): void {
  for (const dir of dirs) {
    try {
      // The directory, never a file or `..data`: those watches go deaf after the first swap
      const watcher = watch(dir, { persistent: false, signal }, changed);
      watcher.on("error", () => watcher.close());
    } catch {
      // Missing, or no watches left: polling finds the changes
    }
  }
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** How long a change may stay unseen when the kernel says nothing. @default 1000 */
  readonly pollMs?: number;
}

/** Yields the version behind `..data` whenever it is another than before, the first one included; ends with the signal. */
export async function* watchDataDir(
  disk: Pick<Reader, "target">,
  dir: string,
  { signal, pollMs = 1000 }: WatchOptions,
): AsyncGenerator<string, void, void> {
  const waker = newWaker();
  watchDirs([dir], () => waker.wake(), signal);
  let last: string | undefined;
  while (!signal.aborted) {
    const version = await currentVersion(disk, dir);
    if (version !== undefined && version !== last) yield version;
    last = version;
    await waker.wait(pollMs, signal);
  }
}
