import { errnoOf } from "../../errors/errno-words.ts";
import { constants } from "node:fs";
import { lstat, open, stat } from "node:fs/promises";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import { unlessMissing } from "../../files/fs-errors.ts";
import { withStorageErrors } from "../../files/storage-error.ts";
import type { NotifySpec } from "../agent-spec.ts";

type SignalSpec = Extract<NotifySpec, { kind: "signal" }>;

/** More than any number of a process. */
const longestBytes = 64;

/** Signals the process whose number stands in the file now. @throws KeyturnError */
export async function signalProcess({ signal, pidFile }: SignalSpec): Promise<void> {
  const { text, owner } = await withStorageErrors(() => readPidFile(pidFile));
  const pid = pidIn(pidFile, text);
  await mustMayName(pidFile, { owner, pid });
  try {
    process.kill(pid, signal);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ESRCH") throw gone(pidFile, pid, error);
    if (errno !== "EPERM") throw error;
    const must = `must be allowed to signal process ${pid}, belongs to somebody else`;
    throw new ChangeNeededError("SignalDenied", `Cannot use the pid file ${quotedPath(pidFile)}: ${must}`, {
      cause: error,
    });
  }
}

async function readPidFile(path: string): Promise<{ readonly text: string; readonly owner: number }> {
  // Whoever makes a link to somebody else's pid file names its process
  const named = await unlessMissing(lstat(path));
  const follow = named?.isSymbolicLink() === true ? 0 : constants.O_NOFOLLOW;
  // O_NONBLOCK: a pipe in place of the file must not hold us up
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | follow);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > longestBytes) throw unfit(path, "must be a file with the number of a process");
    return { text: await handle.readFile("utf8"), owner: named && !isTrusted(named.uid) ? named.uid : stats.uid };
  } finally {
    await handle.close();
  }
}

/** 0 and negative numbers would be groups of processes, and 1 the machine's, or the container's. */
function pidIn(path: string, text: string): number {
  const pid = /^\d{1,10}$/.test(text.trim()) ? Number(text.trim()) : 0;
  if (pid < 2) throw unfit(path, "must hold the number of a process, of 2 or more");
  if (pid === process.pid) throw unfit(path, "must hold the number of another process, holds the agent's own");
  return pid;
}

/** Whoever may write the file names whom a root agent signals: so it may be nobody's but his own processes. */
async function mustMayName(
  path: string,
  { owner, pid }: { readonly owner: number; readonly pid: number },
): Promise<void> {
  if (isTrusted(owner)) return;
  const found = await unlessMissing(stat(`/proc/${pid}`));
  if (!found) throw gone(path, pid);
  if (found.uid !== owner) throw unfit(path, `must belong to root, or to the owner of process ${pid}`);
}

const isTrusted = (uid: number): boolean => uid === 0 || uid === process.geteuid?.();

const unfit = (path: string, must: string): ChangeNeededError =>
  new ChangeNeededError("PidFileUnfit", `Cannot use the pid file ${quotedPath(path)}: ${must}`);

const gone = (path: string, pid: number, cause?: unknown): TryLaterError =>
  new TryLaterError("ProcessGone", `Cannot use the pid file ${quotedPath(path)}: there is no process ${pid}`, {
    cause,
  });
