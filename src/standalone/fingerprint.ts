import { stat } from "node:fs/promises";
import { join } from "node:path";
import { currentVersion } from "../files/data-dir.ts";
import type { Disk } from "../files/disk.ts";
import { readIfThere } from "../files/atomic.ts";
import { unlessMissing } from "../files/errors.ts";
import type { AckReader } from "./acks.ts";
import type { Config } from "./config.ts";
import type { Layout } from "./layout.ts";

/**
 * A text that changes when something changes that a pass reads: cheap enough for every second. An ack that was touched
 * and says the same makes no difference; one that grew too old does.
 */
export async function fingerprint(
  disk: Disk,
  layout: Layout,
  ports: { acks: AckReader; config: Config },
): Promise<string> {
  const parts = [
    "path" in ports.config ? await followed(ports.config.path) : "",
    await standing(disk, layout.overrides),
    await currentVersion(disk, layout.signer),
    await currentVersion(disk, layout.public),
    ...((await unlessMissing(disk.names(layout.ring))) ?? []),
  ];
  for (const name of await ports.acks.fresh()) parts.push(name, await ackText(disk, join(layout.acks, name)));
  return JSON.stringify(parts);
}

/** The file at the end of all links: a mounted ConfigMap changes by its links alone. */
async function followed(path: string): Promise<string> {
  const found = await unlessMissing(stat(path));
  return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}` : "";
}

async function standing(disk: Disk, path: string): Promise<string> {
  const found = await disk.entry(path);
  return found ? `${found.identity}:${found.sizeBytes}:${found.changedAtMs}` : "";
}

async function ackText(disk: Disk, path: string): Promise<string> {
  try {
    return (await readIfThere(disk, path)) ?? "";
  } catch {
    // The pass says what it is
    return "";
  }
}
