import { errnoOf } from "../errors/errno-words.ts";
import { open } from "node:fs/promises";
import type { Reader } from "../files/disk.ts";
import { unlessMissing } from "../files/fs-errors.ts";
import type { Keeper } from "../ring/keeper.ts";
import { noSocketsName, socketName, socketPath } from "../files/lock.ts";
import { askHolder, type Holder } from "../files/lock-probe.ts";

const remedy = "keyturn standalone --dir DIR carries it out";

/**
 * Who runs on the directory: whoever listens in its lock. Asks, and changes nothing.
 *
 * Says nothing of other machines: their sockets can't be heard from here (see {@link acquireLock}).
 */
export async function directoryKeeper(disk: Reader, lockDir: string): Promise<Keeper> {
  try {
    const names = (await unlessMissing(disk.names(lockDir))) ?? [];
    if (names.includes(noSocketsName)) return { kind: "unknown", why: "this file system has no locks" };
    return await whoListens(lockDir, names);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== "EACCES" && errno !== "EPERM") throw error;
    return { kind: "unknown", why: `"${lockDir}" may not be read here` };
  }
}

async function whoListens(lockDir: string, names: readonly string[]): Promise<Keeper> {
  const sockets = names.filter((name) => socketName.test(name));
  if (sockets.length === 0) return nobody;
  const handle = await open(lockDir);
  try {
    const answers = await Promise.all(sockets.map((name) => askHolder(socketPath(lockDir, name, handle))));
    const alive = answers.filter((answer) => answer !== "dead");
    const holder = alive.find(({ state }) => state === "holding");
    return holder === undefined ? nobody : keeperBy(holder);
  } finally {
    await handle.close();
  }
}

const nobody: Keeper = { kind: "nobody", why: "no process of this machine runs on the directory", remedy };

function keeperBy({ pid, host, since, silence }: Holder): Keeper {
  if (silence === "timeout") {
    const why = "the process that has the lock does not answer: it was stopped, or is overwhelmed";
    return { kind: "nobody", why, remedy: "let it go on (SIGCONT), or end it and start it anew" };
  }
  if (pid === undefined) return { kind: "unknown", why: "the process that has the lock does not say who it is" };
  const where = host === undefined ? "" : ` on ${host}`;
  return { kind: "acts", who: `process ${pid}${where}${since === undefined ? "" : `, since ${since}`}` };
}
