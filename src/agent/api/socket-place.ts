import type { Stats } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { errnoOf, fileProblem } from "../../errors/errno-words.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";

/**
 * Makes the directory of a Unix socket, if it is not there, and looks at who else could put another socket in its place. Whoever could would give
 * applications tokens of his own.
 *
 * @returns What a person should know of it; undefined where all is well
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function prepareSocketPlace(path: string): Promise<string | undefined> {
  const directory = dirname(path);
  const place = `the directory ${quotedPath(directory)}`;
  try {
    await mkdir(directory, { mode: 0o750 }).catch(unlessThere);
    const found = await stat(directory);
    if (!isOurs(found)) throw unusable(path, `${place} must belong to root or to the agent's user`);
    if (await answers(path)) throw unusable(path, "no other process may listen there already");
    if ((found.mode & 0o002) === 0) return undefined;
    // That of an emptyDir of Kubernetes, or /tmp: whoever made it knew
    if (found.uid === 0) return `${place} can be written by everybody who sees it, also with another socket`;
  } catch (error) {
    if (error instanceof ChangeNeededError) throw error;
    throw unusable(path, `${place} must be usable: ${fileProblem(error) ?? "it failed"}`);
  }
  throw unusable(path, `${place} must not be writable by everybody`);
}

/** @throws ChangeNeededError `DirectoryUnsafe`: others could put links there that lead the agent to files that are not theirs */
export async function checkOwnDirectory(directory: string): Promise<void> {
  const must = "must be a directory of root or the agent's user, which nobody else can write";
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true && isOurs(found) && (found.mode & 0o022) === 0) return;
  throw new ChangeNeededError("DirectoryUnsafe", `Cannot register identities below ${quotedPath(directory)}: ${must}`);
}

const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.();

function unlessThere(error: unknown): void {
  if (errnoOf(error) !== "EEXIST") throw error;
}

/** A process listens there; what one that was killed has left does not answer. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

const unusable = (path: string, must: string): ChangeNeededError =>
  new ChangeNeededError("AddressUnusable", `Cannot listen on unix:${path}: ${must}`);
