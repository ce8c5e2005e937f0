import { errnoOf } from "../errors/errno-words.ts";
import { open, type FileHandle } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { TryLaterError } from "../errors/keyturn-error.ts";
import { formatInstant } from "../parse/instant.ts";
import { ensureDir, removeIfThere } from "./atomic.ts";
import type { Disk } from "./disk.ts";
import { askHolder, type Holder } from "./lock-probe.ts";

export interface LockRequest {
  readonly holder: Holder;
  /** Different for every attempt of every process: 16 or more characters of [a-z0-9]. */
  readonly newId: () => string;
  /** From 0 to below 1. */
  readonly chance: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** A request of this process, with ids by chance. */
export function lockRequest(nowMs: number, { chance, pause }: Pick<LockRequest, "chance" | "pause">): LockRequest {
  const digits = (): string =>
    Math.floor(chance() * 36 ** 5)
      .toString(36)
      .padStart(5, "0");
  return {
    holder: { pid: process.pid, host: hostname(), since: formatInstant(nowMs), state: "trying" },
    newId: () => Array.from({ length: 4 }, digits).join(""),
    chance,
    pause,
  };
}

/** What only one process may work on. */
export interface Locked {
  /** Named in the error. */
  readonly path: string;
  /** The directory of the lock; made when it is missing. Nothing else belongs there. */
  readonly lockDir: string;
}

export interface Lock {
  /** Why there is no lock, when the file system has no sockets: then nothing but compare-and-swap keeps two apart. */
  readonly missing?: string;
  readonly release: () => Promise<void>;
}

const mostAttempts = 20;
const dirMode = 0o700;
/** What a socket in the lock is called. */
export const socketName = /^[a-z0-9]{8,64}\.sock$/;
/** Stands in the lock where the file system has no sockets: nobody can be heard there. */
export const noSocketsName = "no-sockets";

/**
 * Makes this process the only one that works on something, until it releases the lock or ends, however it ends: the
 * lock is a listening socket, which the kernel closes.
 *
 * Everyone listens on a socket of its own, under a name that is never used again, and then looks at all others. One that
 * refuses is dead and may be removed by anyone; one that answers, or does not answer, is alive, and the newcomer
 * withdraws. Whoever comes second sees the first, so there are never two holders, and no step replaces anything that
 * another might have made meanwhile. Between bind(2) and listen(2) a socket refuses, too: whoever was taken for dead
 * then finds its name gone, and begins anew; the one who removed it is itself to be seen all that time.
 *
 * Holds among all processes of one kernel, whatever their containers, PID and network namespaces: a socket in the file
 * system is found by its inode. Does not hold between machines that share a network file system, nor between virtual
 * machines (gVisor, Kata): there compare-and-swap must keep what is written whole.
 *
 * @throws TryLaterError `Locked`, which names the holder
 */
export async function acquireLock(disk: Disk, { path, lockDir }: Locked, request: LockRequest): Promise<Lock> {
  await ensureDir(disk, lockDir, dirMode);
  for (let attempt = 1; ; attempt++) {
    const own = await publish(lockDir, request);
    if (typeof own === "string") {
      await tellSockets(disk, lockDir, own);
      return { missing: own, release: () => Promise.resolve() };
    }
    const other = await rivalOf(own, disk, lockDir).catch(async (error: unknown) => {
      await own.withdraw();
      throw error;
    });
    if (!other) {
      await tellSockets(disk, lockDir);
      own.hold();
      return { release: own.withdraw };
    }
    await own.withdraw();
    if (attempt >= mostAttempts || (other !== "removed" && other.state === "holding")) throw locked(path, other);
    await request.pause(10 + request.chance() * 20 * attempt);
  }
}

/** Leaves word for those who look that there are no sockets, or takes it away. */
async function tellSockets(disk: Disk, dir: string, missing?: string): Promise<void> {
  const path = join(dir, noSocketsName);
  const isTold = (await disk.entry(path)) !== undefined;
  if (missing === undefined && isTold) await removeIfThere(disk, path);
  if (missing !== undefined && !isTold) await disk.writeNew(path, `${missing}\n`, 0o600);
}

/** Another process that is alive; `removed` when one took our socket for dead. */
async function rivalOf(own: Own, disk: Disk, dir: string): Promise<Holder | "removed" | undefined> {
  if (!(await disk.entry(join(dir, own.name)))) return "removed";
  return firstOther(disk, dir, own.name);
}

function locked(path: string, rival: Holder | "removed"): TryLaterError {
  const { pid, host, since }: Partial<Holder> = rival === "removed" ? {} : rival;
  const who =
    pid === undefined ? "a process that does not answer" : `process ${pid} on ${host ?? "?"} since ${since ?? "?"}`;
  return new TryLaterError("Locked", `Cannot run on "${path}": must be the only process there, ${who} has the lock`);
}

interface Own {
  readonly name: string;
  readonly hold: () => void;
  readonly withdraw: () => Promise<void>;
}

/** Returns why not, when this file system has no sockets. */
async function publish(dir: string, { holder, newId }: LockRequest): Promise<Own | string> {
  const id = newId();
  const name = `${id}.sock`;
  let state: Holder["state"] = "trying";
  const handle = await open(dir);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(JSON.stringify({ ...holder, state }));
  });
  // Closing takes the name away, too
  const close = (): Promise<void> => closeAll(server, handle);
  try {
    await listen(server, socketPath(dir, name, handle));
  } catch (error) {
    await close();
    const errno = errnoOf(error) ?? "";
    if (["EPERM", "EOPNOTSUPP", "ENOTSUP", "EINVAL", "EADDRNOTAVAIL"].includes(errno)) return errno;
    throw error;
  }
  server.unref();
  return { name, hold: () => (state = "holding"), withdraw: close };
}

/** The address of a socket has room for 107 bytes; through the descriptor of its directory every name is short. */
export const socketPath = (dir: string, name: string, handle: FileHandle): string =>
  Buffer.byteLength(join(dir, name)) <= 100 ? join(dir, name) : `/proc/self/fd/${handle.fd}/${name}`;

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function closeAll(server: Server, handle: FileHandle): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await handle.close();
}

/** The first other process that is alive; removes the sockets of dead ones. */
async function firstOther(disk: Disk, dir: string, own: string): Promise<Holder | undefined> {
  const handle = await open(dir);
  try {
    for (const name of await disk.names(dir)) {
      if (name === own || !socketName.test(name)) continue;
      const answer = await askHolder(socketPath(dir, name, handle));
      if (answer !== "dead") return answer;
      await removeIfThere(disk, join(dir, name));
    }
    return undefined;
  } finally {
    await handle.close();
  }
}
