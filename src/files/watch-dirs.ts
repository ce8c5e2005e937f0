import { watch } from "node:fs";

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
