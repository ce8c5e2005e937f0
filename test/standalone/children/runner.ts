import { writeSync } from "node:fs";
import { runStandalone } from "../../../src/standalone/run-standalone.ts";
import { resource } from "../resource.ts";

/** A process that runs on a directory in real time until it is ended. Says "running" after its first pass. Argument: directory. */
const [dir = ""] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGTERM", () => controller.abort());
const silent = (): void => undefined;
let passes = 0;
try {
  await runStandalone({
    dir,
    config: { resource: resource() },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: { debug: silent, info: silent, warn: silent, error: silent },
    signal: controller.signal,
    on: () => {
      if (passes++ === 0) writeSync(1, "running\n");
    },
  });
  writeSync(1, "ended\n");
} catch (error) {
  writeSync(1, error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
