import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { quotedPath } from "../errors/quote.ts";

/** More than any file that a config or a flag names, in bytes, unless whoever reads it knows of longer ones. */
const longest = 1_048_576;

/** Files that a person or the kubelet puts there: links are followed. */
export interface SmallFiles {
  /**
   * @param most - So many bytes it may measure. @default 1 MiB
   * @throws ChangeNeededError `FileUnreadable`, without anything of the file
   */
  read(path: string, most?: number): Promise<string>;
  /** The one line of the file, without its end. @throws as {@link read} */
  readLine(path: string): Promise<string>;
}

export const smallFiles: SmallFiles = {
  read,
  async readLine(path) {
    const line = (await read(path)).replace(/\r?\n$/, "");
    if (line === "" || /[\u0000-\u001f\u007f]/.test(line)) throw unreadable(path, "must hold one line of text");
    return line;
  },
};

async function read(path: string, most = longest): Promise<string> {
  try {
    // O_NONBLOCK: a pipe in place of the file must not hold us up
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw unreadable(path, "must be a regular file");
      if (stats.size > most) throw unreadable(path, `must measure at most ${most} bytes`);
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof ChangeNeededError ? undefined : errnoOf(error);
    if (code === undefined) throw error;
    const must =
      code === "ENOENT" ? "must be a file, is not there" : `must be readable: ${fileProblem(error) ?? "it is not"}`;
    throw unreadable(path, must);
  }
}

const unreadable = (path: string, must: string): ChangeNeededError =>
  new ChangeNeededError("FileUnreadable", `Cannot read ${quotedPath(path)}: ${must}`);
