import { open, type FileHandle } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { ensureDir, removeIfThere } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import { errnoOf } from "../../files/fs-errors.ts";
import { TryLaterError } from "../../errors/keyturn-error.ts";
import { modes, type Layout } from "../store/layout.ts";
import { askHolder, type Holder } from "./lock-probe.ts";

export interface LockRequest {
  readonly holder: Holder;
  /** Different for every attempt of every process: 16 or more characters of [a-z0-9]. */
  readonly newId: () => string;
  /** From 0 to below 1. */
  readonly chance: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

export interface Lock {
  /** Why there is no lock, when the file system has no sockets: then compare-and-swap alone guards the ring. */
  readonly missing?: string;
  readonly release: () => Promise<void>;
}

const mostAttempts = 20;
/** What a socket in the lock is called. */
export const socketName = /^[a-z0-9]{8,64}\.sock$/;
/** Stands in the lock where the file system has no sockets: nobody can be heard there. */
export const noSocketsName = "no-sockets";

/**
 * Makes this process the only one that runs on the directory, until it releases the lock or ends, however it ends: the
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
 * machines (gVisor, Kata): there compare-and-swap keeps the ring whole, and both write.
 *
 * @throws TryLaterError `Locked`, which names the holder
 */
export async function acquireLock(disk: Disk, layout: Layout, request: LockRequest): Promise<Lock> {
  await ensureDir(disk, layout.lock, modes.secretDir);
  for (let attempt = 1; ; attempt++) {
    const own = await publish(layout.lock, request);
    if (typeof own === "string") {
      await tellSockets(disk, layout.lock, own);
      return { missing: own, release: () => Promise.resolve() };
    }
    const other = await rivalOf(own, disk, layout.lock).catch(async (error: unknown) => {
      await own.withdraw();
      throw error;
    });
    if (!other) {
      await tellSockets(disk, layout.lock);
      own.hold();
      return { release: own.withdraw };
    }
    await own.withdraw();
    if (attempt >= mostAttempts || (other !== "removed" && other.state === "holding")) throw locked(layout.dir, other);
    await request.pause(10 + request.chance() * 20 * attempt);
  }
}

/** Leaves word for those who look that there are no sockets, or takes it away. */
async function tellSockets(disk: Disk, dir: string, missing?: string): Promise<void> {
  const path = join(dir, noSocketsName);
  const isTold = (await disk.entry(path)) !== undefined;
  if (missing === undefined && isTold) await removeIfThere(disk, path);
  if (missing !== undefined && !isTold) await disk.writeNew(path, `${missing}\n`, modes.secretFile);
}

/** Another process that is alive; `removed` when one took our socket for dead. */
async function rivalOf(own: Own, disk: Disk, dir: string): Promise<Holder | "removed" | undefined> {
  if (!(await disk.entry(join(dir, own.name)))) return "removed";
  return firstOther(disk, dir, own.name);
}

function locked(dir: string, rival: Holder | "removed"): TryLaterError {
  const { pid, host, since }: Partial<Holder> = rival === "removed" ? {} : rival;
  const who =
    pid === undefined ? "a process that does not answer" : `process ${pid} on ${host ?? "?"} since ${since ?? "?"}`;
  return new TryLaterError("Locked", `Cannot run on "${dir}": must be the only process there, ${who} has the lock`);
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
