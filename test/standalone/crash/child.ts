import { writeSync } from "node:fs";
import { nodeDisk, type Disk } from "../../../src/files/disk.ts";
import { runStandalone } from "../../../src/standalone/run-standalone.ts";
import { FakeTime } from "../fake-time.ts";
import { hookedDisk } from "../hooked-disk.ts";
import { resource } from "../resource.ts";

/**
 * A process that runs the real loop on real files in fake time, and kills itself (SIGKILL: no `finally`, no flush) at
 * one effect on the disk. Says when on its standard output. Arguments: directory, start, duration, which effect, torn.
 */
const [dir = "", startMs = "0", forMs = "0", killAt = "0", torn = ""] = process.argv.slice(2);

const time = new FakeTime(Number(startMs));
const effects: string[] = [];

function die(effect: string): never {
  writeSync(1, JSON.stringify({ effect, nowMs: time.nowMs() }));
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way
  for (;;);
}

/** Writes half of the file before it dies. */
const tearing = (base: Disk): Disk => ({
  ...base,
  writeNew: async (path, text, mode) => {
    if (torn !== "torn" || effects.length !== Number(killAt)) return base.writeNew(path, text, mode);
    await base.writeNew(path, text.slice(0, text.length / 2), mode);
    die("half of writeNew");
  },
});

const disk = hookedDisk(
  {
    before: (effect) => {
      effects.push(effect);
      if (effects.length === Number(killAt) && (torn !== "torn" || effect !== "writeNew")) die(effect);
    },
  },
  tearing(nodeDisk()),
);

const controller = new AbortController();
time.endIn(Number(forMs), () => controller.abort());
const silent = (): void => undefined;
await runStandalone({
  dir,
  config: { resource: resource() },
  clock: time,
  bell: time,
  log: { debug: silent, info: silent, warn: silent, error: silent },
  signal: controller.signal,
  pollMs: Infinity,
  disk,
});
writeSync(1, JSON.stringify({ effects, nowMs: time.nowMs() }));
