import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { createServer, type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Clock ticks of /proc in a second. */
const ticksPerSecond = 100;

/** Seconds of processor time that the process has taken. @see proc(5), stat */
export async function cpuSeconds({ pid = 0 }: ChildProcess): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory, now. */
export const rssMiB = (child: ChildProcess): Promise<number> => memoryMiB(child, "VmRSS");

/** The most that was resident at any time. */
export const peakMiB = (child: ChildProcess): Promise<number> => memoryMiB(child, "VmHWM");

async function memoryMiB({ pid = 0 }: ChildProcess, field: string): Promise<number> {
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

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
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

/** Sends the request over 16 connections, each time that an answer came, and returns the number of answers. */
export async function load(port: number, request: string, forMs: number): Promise<number> {
  let answers = 0;
  const untilMs = performance.now() + forMs;
  const one = async (): Promise<void> => {
    const socket: Socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.toString("latin1").startsWith("HTTP/1.1 200 "))
        socket.destroy(new Error(chunk.toString("latin1", 0, 64)));
      answers += 1;
      if (performance.now() < untilMs) socket.write(request);
      else socket.end();
    });
    socket.write(request);
    await once(socket, "close");
  };
  await Promise.all(Array.from({ length: 16 }, one));
  return answers;
}
