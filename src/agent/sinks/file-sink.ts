import { errnoOf } from "../../errors/errno-words.ts";
import { dirname } from "node:path";
import { ensureDirs, removeEmptyDirs, removeIfThere, replaceFile } from "../../files/atomic.ts";
import { type Disk, mustBeOurs } from "../../files/disk.ts";
import { unlessMissing } from "../../files/fs-errors.ts";
import { endOfLinks } from "../../files/links.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { SinkSpec } from "../agent-spec.ts";
import type { Sink } from "./sink.ts";
import { diskOf, dirModeOf, type SinkPorts } from "./sink-access.ts";
import { looksLikeToken, tokenText } from "./token-text.ts";
import { unfinishedName } from "./unfinished-files.ts";

type FileSpec = Extract<SinkSpec, { kind: "file" }>;

/** One file, replaced whole. Links are followed and stay; missing directories are made. */
export function fileSink(spec: FileSpec, ports: SinkPorts): Omit<Sink, "place"> {
  const { path, format, mode } = spec;
  let last: FreshToken | undefined;
  let madeDirs: readonly string[] = [];

  const write = async (token: FreshToken): Promise<void> => {
    const { disk, gid } = await diskOf(spec, ports);
    const end = await endOfLinks(disk, path);
    if (last === undefined) await ports.unfinished.remove(disk, end);
    const text = tokenText(format, token);
    const found = await disk.entry(end);
    if (!found) madeDirs = [...(await ensureDirs(disk, dirname(end), dirModeOf(spec))), ...madeDirs];
    const isSame = found?.type === "file" && found.mode === mode && (gid === undefined || found.gid === gid);
    if (!isSame || (await readable(disk, end)) !== text) await replace(disk, end, text);
    last = token;
  };

  const replace = async (disk: Disk, end: string, text: string): Promise<void> => {
    const temporary = unfinishedName(end, ports.chance);
    try {
      await replaceFile(disk, end, { text, mode, temporary });
    } catch (error) {
      await removeIfThere(disk, temporary).catch(() => undefined);
      throw error;
    }
  };

  const remove = async (): Promise<void> => {
    const disk = ports.makeDisk();
    const end = await endOfLinks(disk, path);
    await ports.unfinished.remove(disk, end);
    const text = await readable(disk, end);
    if (text !== undefined && (looksLikeToken(format, text) || (last && text === tokenText(format, last)))) {
      await removeIfThere(disk, end);
      await disk.syncDir(dirname(end));
    }
    await removeEmptyDirs(disk, madeDirs);
    last = undefined;
    madeDirs = [];
  };

  return { write, remove };
}

/** The text of a file of ours; undefined where there is none. */
async function readable(disk: Disk, path: string): Promise<string | undefined> {
  const found = await disk.entry(path);
  if (!found) return undefined;
  mustBeOurs(path, found, { type: "file", trusts: (uid) => disk.trusts(uid) });
  try {
    return await unlessMissing(disk.readText(path));
  } catch (error) {
    // A mode that its owner may not read either
    if (errnoOf(error) === "EACCES") return undefined;
    throw error;
  }
}
