import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Seconds of processor time that the process has taken, all its threads; to the nanosecond, where `stat` counts in hundredths. @see proc(5), schedstat */
export async function cpuSeconds({ pid = 0 }: ChildProcess): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const taken = threads.map(async (thread) => {
    // It may end meanwhile
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
    return Number(text.split(" ")[0]);
  });
  return (await Promise.all(taken)).reduce((sum, one) => sum + one, 0) / 1e9;
}

/** Resident memory, now. */
export const rssMiB = (child: Pick<ChildProcess, "pid">): Promise<number> => memoryMiB(child, "VmRSS");

/** The most that was resident at any time. */
export const peakMiB = (child: ChildProcess): Promise<number> => memoryMiB(child, "VmHWM");

async function memoryMiB({ pid = 0 }: Pick<ChildProcess, "pid">, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;
}

/** A process that goes on until it is ended; that it ends by itself with a failure is an uncaught error here. */
export function start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } });
  child.on("exit", (code) => {
    if (code !== null && code !== 0) throw new Error(`${file} ended with exit code ${code}`);
  });
  return child;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** The status, or 0 when nobody answers. */
function statusOf(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, headers, agent }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    request.on("error", () => resolve(0));
  });
}

/** Asks again and again. */
export async function untilOk(port: number, path: string, headers?: Readonly<Record<string, string>>): Promise<void> {
  while ((await statusOf(port, path, headers)) !== 200) await pause(0.5);
}

/** Sends a request over 16 connections, each time that an answer came, and returns the number of answers. */
export async function load(port: number, request: string | (() => string), forMs: number): Promise<number> {
  const next = typeof request === "string" ? () => request : request;
  let answers = 0;
  const untilMs = performance.now() + forMs;
  const one = async (): Promise<void> => {
    const socket: Socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.on("data", (chunk: Buffer) => {
      const head = chunk.toString("latin1", 0, 64);
      if (!head.startsWith("HTTP/1.1 200 ")) socket.destroy(new Error(head));
      answers += 1;
      if (performance.now() < untilMs) socket.write(next(), "latin1");
      else socket.end();
    });
    socket.write(next(), "latin1");
    await once(socket, "close");
  };
  await Promise.all(Array.from({ length: 16 }, one));
  return answers;
}
