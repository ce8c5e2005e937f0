import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, vi } from "vitest";
import { nodeDisk, type Disk } from "../../src/files/disk.ts";

// Real files take long on a machine that is busy
vi.setConfig({ testTimeout: 60_000 });

const made: string[] = [];

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-files-"));
  made.push(dir);
  return dir;
}

afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true });
});

/** Gives the path to somebody else and returns our disk; who is not root becomes somebody else himself. */
export async function disown(path: string): Promise<Disk> {
  const user = process.geteuid?.() ?? 0;
  if (user !== 0) return nodeDisk({ user: user + 1 });
  await chown(path, 4711, 4711);
  return nodeDisk();
}
