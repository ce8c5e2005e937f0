import { errnoOf } from "../../errors/errno-words.ts";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { currentVersion } from "../../files/data-dir.ts";
import type { Disk } from "../../files/disk.ts";
import { readIfThere } from "../../files/atomic.ts";
import { unlessMissing } from "../../files/fs-errors.ts";
import type { AckReader } from "./ack-reader.ts";
import type { Config } from "../settings/config.ts";
import type { Layout } from "../store/layout.ts";
import { projectionPaths } from "../store/projection-paths.ts";

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
    await wishes(disk, layout, ports.config),
    await seen(currentVersion(disk, layout.signer)),
    await seen(currentVersion(disk, layout.public)),
    await seen(standing(disk, layout.refused)),
    await seen(accessText(disk, layout)),
    ...((await unlessMissing(disk.names(layout.ring))) ?? []),
  ];
  for (const name of await ports.acks.fresh()) parts.push(name, await ackText(disk, join(layout.acks, name)));
  return JSON.stringify(parts);
}

/** A text that changes when somebody asks for something else. */
export async function wishes(disk: Disk, { overrides }: Layout, config: Config): Promise<string> {
  return JSON.stringify([
    "path" in config ? await seen(followed(config.path)) : "",
    await seen(standing(disk, overrides)),
  ]);
}

/** What can't be looked at is no reason to look at nothing else: the pass says what it is. */
const seen = (look: Promise<string | undefined>): Promise<string | undefined> =>
  look.catch((error: unknown) => errnoOf(error) ?? "");

/** The file at the end of all links: a mounted ConfigMap changes by its links alone. */
async function followed(path: string): Promise<string> {
  const found = await unlessMissing(stat(path));
  return found ? `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}` : "";
}

/** Who may read what: changed by hand, it is set anew. */
async function accessText(disk: Disk, { ring, acks, signer, public: open }: Layout): Promise<string> {
  const all = await Promise.all([signer, open].map((dir) => projectionPaths(disk, dir)));
  const paths = [ring, acks, ...all.flatMap(({ dirs, files }) => [...dirs, ...files])];
  const entries = await Promise.all(paths.map((path) => disk.entry(path)));
  return entries.map((found) => (found ? `${found.mode}:${found.gid}` : "")).join();
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
