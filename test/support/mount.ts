import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Whether this process may mount: it needs root, and more. */
export function canMount(): boolean {
  try {
    const script = "d=$(mktemp -d) && mount -t tmpfs -o size=64k keyturn-test $d && umount $d && rmdir $d";
    execFileSync("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The path of an empty file system of its own, which goes with the test. */
export async function smallDisk(kibibytes: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-small-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "keyturn-test", dir]);
  onTestFinished(async () => {
    unmount(dir);
    await rmdir(dir);
  });
  return dir;
}

export const makeReadOnly = (dir: string): void => void execFileSync("mount", ["-o", "remount,ro", dir]);

/** Returns what undoes it. */
export function bindMount(from: string, to: string): () => void {
  execFileSync("mount", ["--bind", from, to]);
  return () => unmount(to);
}

const unmount = (path: string): void => void execFileSync("umount", [path]);
