import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicObject, signerObject } from "../../src/crypto/objects.ts";
import { writeDataDir, type DataFiles } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import type { Bench } from "./bench.ts";
import { fullRing } from "./full-ring.ts";
import type { Contest } from "./measure.ts";

let folder: string | undefined;

/** The least that survives a power cut: one file with all the bytes, fsync, rename, fsync of the directory. */
export async function replaceByRename(dir: string, text: string): Promise<void> {
  const file = await open(join(dir, "file.tmp"), "w", 0o600);
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(join(dir, "file.tmp"), join(dir, "file"));
  const parent = await open(dir, "r");
  await parent.sync();
  await parent.close();
}

function directoryContest(files: DataFiles, of: { readonly name: string; readonly dir: string }): Contest {
  const disk = nodeDisk();
  const text = Object.values(files).join("");
  const count = Object.keys(files).length;
  return {
    name: `${of.name} object, ${count} files, ${(text.length / 1024).toFixed(1)} KiB`,
    clock: "wall",
    ours: {
      name: "swap of the directory",
      run: () => writeDataDir(disk, join(of.dir, of.name), { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() }),
    },
    baseline: { name: "fsync'd write + rename of one file", run: () => replaceByRename(of.dir, text) },
  };
}

export const swapBench: Bench = {
  name: "swap",
  what: "new bytes readable through ..data, on the disk of the temporary directory",
  contests: async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    const { ring, materials } = await fullRing("ES256");
    return [
      directoryContest(signerObject(ring, materials), { name: "signer", dir: folder }),
      directoryContest(publicObject(ring, materials), { name: "public", dir: folder }),
    ];
  },
  close: async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  },
};
