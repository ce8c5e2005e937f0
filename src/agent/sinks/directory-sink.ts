import { join } from "node:path";
import { ensureDirs, removeEmptyDirs } from "../../files/atomic.ts";
import { type DataFiles, dropUnfinished, removeDataDir, writeDataDir } from "../../files/data-dir.ts";
import type { Disk } from "../../files/disk.ts";
import { endOfLinks } from "../../files/links.ts";
import { readDataDir } from "../../files/read-data-dir.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { SinkSpec } from "../agent-spec.ts";
import type { Sink } from "./sink.ts";
import { diskOf, dirModeOf, type SinkPorts } from "./sink-access.ts";
import { looksLikeToken, tokenText } from "./token-text.ts";

type DirectorySpec = Extract<SinkSpec, { kind: "directory" }>;

const filesOf = (token: FreshToken): DataFiles => ({
  token: tokenText("token", token),
  "token.json": tokenText("json", token),
  authorization: tokenText("header", token),
});

/** Three files that change together, as the kubelet's do. A link to the directory is followed; missing ones are made. */
export function directorySink(spec: DirectorySpec, ports: SinkPorts): Omit<Sink, "place"> {
  const { path, mode } = spec;
  let last: FreshToken | undefined;
  let madeDirs: readonly string[] = [];

  const write = async (token: FreshToken): Promise<void> => {
    const { disk, gid } = await diskOf(spec, ports);
    const dir = await endOfLinks(disk, path);
    const dirMode = dirModeOf(spec);
    if (last === undefined) await dropUnfinished(disk, dir, true);
    const files = filesOf(token);
    if (!(await hasAlready(disk, dir, { files, mode, ...(gid !== undefined && { gid }) }))) {
      madeDirs = [...(await ensureDirs(disk, dir, dirMode)), ...madeDirs];
      try {
        await writeDataDir(disk, dir, { files, mode, dirMode, nowMs: ports.clock.nowMs() });
      } catch (error) {
        await dropUnfinished(disk, dir, true).catch(() => undefined);
        throw error;
      }
    }
    last = token;
  };

  const remove = async (): Promise<void> => {
    const disk = ports.makeDisk();
    const dir = await endOfLinks(disk, path);
    const found = await readDataDir(disk, dir);
    const isOurs = found.kind === "data" && isWritten(found.files, last);
    if (isOurs || (last !== undefined && found.kind === "dangling")) await removeDataDir(disk, dir);
    await removeEmptyDirs(disk, madeDirs);
    last = undefined;
    madeDirs = [];
  };

  return { write, remove };
}

async function hasAlready(
  disk: Disk,
  dir: string,
  want: { readonly files: DataFiles; readonly mode: number; readonly gid?: number },
): Promise<boolean> {
  const found = await readDataDir(disk, dir);
  if (found.kind !== "data" || !found.linked || !isEqual(found.files, want.files)) return false;
  for (const name of Object.keys(want.files)) {
    const entry = await disk.entry(join(dir, found.version, name));
    if (entry?.mode !== want.mode || (want.gid !== undefined && entry.gid !== want.gid)) return false;
  }
  return true;
}

const isEqual = (a: DataFiles, b: DataFiles): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, text]) => b[name] === text);

/** By this process, or, as far as one sees, by one before it. */
const isWritten = (files: DataFiles, last: FreshToken | undefined): boolean =>
  (last !== undefined && isEqual(files, filesOf(last))) ||
  (Object.keys(files).length === 3 && looksLikeToken("token", files["token"] ?? ""));
