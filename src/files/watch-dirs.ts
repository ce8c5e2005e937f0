import { watch } from "node:fs";

/** What SQLite writes at each commit: a database may lie beside the files of a person. */
const ofDatabase = /(?:\.db|-wal|-shm|-journal)$/;

/**
 * Calls `changed` soon after something in one of the directories changes, as far as the kernel says so; not for the files of a database.
 * An accelerator: whoever uses it polls as well, because network file systems say nothing, watches run out, and a directory may be
 * replaced. Directories that are missing are passed over.
 */
export function watchDirs(dirs: readonly string[], changed: () => void, signal: AbortSignal): void {
  for (const dir of dirs) {
    try {
      // The directory, never a file or `..data`: those watches go deaf after the first swap
      const watcher = watch(dir, { persistent: false, signal }, (_, name) => {
        if (name === null || !ofDatabase.test(name)) changed();
      });
      watcher.on("error", () => watcher.close());
    } catch {
      // Missing, or no watches left: polling finds the changes
    }
  }
}
