import { nodeDisk } from "../../../src/files/disk.ts";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { readRingFile, writeRingFile } from "../../../src/standalone/store/ring-dir.ts";

/**
 * Counts up in the newest ring file without any lock: reads, adds one, writes by compare-and-swap, and begins anew when
 * it lost. Generations jump, as those of a new or rebuilt ring do. Arguments: directory, how often, step.
 */
const [dir = "", times = "0", step = "1"] = process.argv.slice(2);
const disk = nodeDisk();

for (let done = 0; done < Number(times);) {
  const before = await readRingFile(disk, dir);
  const baseGeneration = before?.generation ?? 0;
  const count = before ? (JSON.parse(before.text) as { count: number }).count : 0;
  const text = JSON.stringify({ count: count + 1 });
  try {
    await writeRingFile(disk, dir, { baseGeneration, generation: baseGeneration + Number(step), text });
    done++;
  } catch (error) {
    if (!(error instanceof TryLaterError)) throw error;
  }
}
