import { errnoOf } from "../../errors/errno-words.ts";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { longestTextBytes } from "../../files/disk.ts";
import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import { configError, onlyOneOf } from "../../parse/only-one-of.ts";
import { rotations } from "../../parse/api-names.ts";
import { storageError } from "../../files/storage-error.ts";

/** Where the JwtKeyRotation comes from: a file that is looked at again and again, or an object made of flags. */
export type Config = { readonly path: string } | { readonly resource: unknown };

/** The directory to watch for changes, when the config is a file. */
export const configDirs = (config: Config): readonly string[] =>
  "path" in config ? [dirname(resolve(config.path))] : [];

/**
 * The one JwtKeyRotation of the config, unchecked. The file is a person's: links are followed, and a mounted ConfigMap
 * works.
 *
 * @throws ChangeNeededError `ConfigUnreadable`
 */
export async function readConfig(config: Config): Promise<unknown> {
  if (!("path" in config)) return config.resource;
  return rotationIn(await readPlain(config.path), config.path);
}

async function readPlain(path: string): Promise<string> {
  try {
    // O_NONBLOCK: a pipe in place of the file must not hold us up, nor a revocation with us
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) throw configError(path, "must be a file, is a directory");
      if (!stats.isFile()) throw configError(path, "must be a file, since it is read again and again");
      if (stats.size > longestTextBytes) throw configError(path, `must measure at most ${longestTextBytes} bytes`);
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw configError(path, "must be a file, is not there");
    if (errnoOf(error) === "ENXIO") throw configError(path, "must be a file, is a socket");
    const told = storageError(error);
    throw told instanceof KeyturnError
      ? new ChangeNeededError("ConfigUnreadable", told.message, { cause: error })
      : error;
  }
}

/** {@link onlyOneOf} a text: the JwtKeyRotation. @throws ChangeNeededError `ConfigUnreadable` */
export const rotationIn = (text: string, path: string): unknown => onlyOneOf(rotations.kind, text, path);
