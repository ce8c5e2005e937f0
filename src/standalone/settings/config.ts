import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { longestTextBytes } from "../../files/disk.ts";
import { errnoOf } from "../../files/fs-errors.ts";
import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import { quoted, quotedPath } from "../../errors/quote.ts";
import { kind } from "../../ring/resource/limits.ts";
import { isObject } from "./effective.ts";
import { storageError } from "../store/storage-error.ts";

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
      if (stats.isDirectory()) throw unreadable(path, "must be a file, is a directory");
      if (!stats.isFile()) throw unreadable(path, "must be a file, since it is read again and again");
      if (stats.size > longestTextBytes) throw unreadable(path, `must measure at most ${longestTextBytes} bytes`);
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw unreadable(path, "must be a file, is not there");
    if (errnoOf(error) === "ENXIO") throw unreadable(path, "must be a file, is a socket");
    const told = storageError(error);
    throw told instanceof KeyturnError
      ? new ChangeNeededError("ConfigUnreadable", told.message, { cause: error })
      : error;
  }
}

/**
 * The one JwtKeyRotation in a text that `kubectl apply` takes: YAML or JSON, several documents, a List. Other kinds are
 * passed over.
 *
 * @throws ChangeNeededError `ConfigUnreadable`; the text is not quoted, since it may be another file by mistake
 */
export function rotationIn(text: string, path: string): unknown {
  const found = documentsIn(text, path)
    .flatMap(itemsOf)
    .filter((item) => isObject(item) && item["kind"] === kind);
  if (found.length === 1) return found[0];
  const names = found.map(nameOf).join(", ");
  const has = found.length === 0 ? "has none" : `has ${found.length}: ${names}`;
  throw unreadable(path, `must hold one ${kind}, ${has}`);
}

function documentsIn(text: string, path: string): readonly unknown[] {
  const parsed = parseAllDocuments(text, { prettyErrors: true });
  const documents = "empty" in parsed ? [] : parsed;
  return documents.map((document): unknown => {
    const [error] = document.errors;
    const [at] = error?.linePos ?? [];
    if (error)
      throw unreadable(
        path,
        `must be YAML or JSON, has ${error.code} in line ${at?.line ?? 1}, column ${at?.col ?? 1}`,
      );
    try {
      return document.toJS({ maxAliasCount: 100 });
    } catch {
      throw unreadable(path, "must be YAML or JSON, has aliases that lead nowhere or to too much");
    }
  });
}

const itemsOf = (document: unknown): readonly unknown[] =>
  isObject(document) && document["kind"] === "List" && Array.isArray(document["items"])
    ? document["items"]
    : [document];

function nameOf(item: unknown): string {
  const metadata = isObject(item) ? item["metadata"] : undefined;
  const name = isObject(metadata) ? metadata["name"] : undefined;
  return typeof name === "string" ? quoted(name) : "one without a name";
}

const unreadable = (path: string, reason: string): ChangeNeededError =>
  new ChangeNeededError("ConfigUnreadable", `Cannot read config ${quotedPath(path)}: ${reason}`);
