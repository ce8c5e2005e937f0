import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { promisify } from "node:util";
import { cacheFolder, programOnPath, type Say } from "../testcluster/build.ts";

const exec = promisify(execFile);

/** A Docker engine that answers. */
export interface Engine {
  /** What it says of itself: `28.2.2`. */
  readonly version: string;
  /** True where no registry could be asked for testcontainers' own image. */
  readonly wasStarted: boolean;
  /** Ends the engine if {@link ensureEngine} started it; one that was there stays. */
  readonly stop: () => Promise<void>;
}

const readyMs = 60_000;
const pollMs = 100;
const nothing = (): Promise<void> => Promise.resolve();

/** The version of the engine that answers here, or undefined. */
async function engineVersion(): Promise<string | undefined> {
  const command = ["version", "--format", "{{.Server.Version}}"];
  return exec("docker", command).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** The system's name: `debian`; empty where it has none. */
async function systemId(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^ID="?([\w.-]+)"?$/m.exec(text)?.[1] ?? "";
}

/**
 * Why there is no Docker engine here and none can be started, in one line that says what is missing, or undefined. Quick:
 * nothing is installed or started.
 */
export async function engineNeeds(): Promise<string | undefined> {
  if ((await engineVersion()) !== undefined) return undefined;
  const silent = "no Docker engine answers (start one, or set DOCKER_HOST)";
  if (process.platform !== "linux") return silent;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && programOnPath("dockerd") !== undefined) return undefined;
  const isDebian = (await systemId()) === "debian" && programOnPath("apt-get") !== undefined;
  if (isRoot && isDebian) return undefined;
  return `${silent}; one is installed and started here only on Debian as root`;
}

async function aptInstall(packages: readonly string[], say: Say): Promise<void> {
  say(`Installing ${packages.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]): Promise<unknown> => exec("apt-get", ["-qq", ...args], { env, maxBuffer: 1 << 26 });
  await apt("update");
  await apt("install", "--yes", "--no-install-recommends", ...packages);
}

/** Installs what programs are not on PATH. @throws Error where the system has no apt-get, or it fails */
export async function ensurePrograms(packages: Readonly<Record<string, string>>, say: Say): Promise<void> {
  const missing = Object.keys(packages).filter((program) => programOnPath(program) === undefined);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || programOnPath("apt-get") === undefined)
    throw new Error(
      `Cannot go on without ${missing.join(", ")}: must be installed; that is done here only on Debian as root`,
    );
  await aptInstall([...new Set(missing.map((program) => packages[program] ?? program))], say);
}

/** The engine's own log tells why it does not come up. */
async function whyNot(log: string): Promise<string> {
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n");
  return `${lines.slice(-5).join("\n")}\nsee ${log}`;
}

async function startEngine(say: Say): Promise<Engine> {
  await ensurePrograms({ dockerd: "docker.io", docker: "docker.io", iptables: "iptables" }, say);
  const folder = join(cacheFolder(), "docker");
  await mkdir(folder, { recursive: true });
  const log = join(folder, "dockerd.log");
  const output = openSync(log, "w");
  say("Starting dockerd");
  // In a process group of its own: Ctrl-C ends the tests first, and they end this
  const daemon = spawn("dockerd", [], { stdio: ["ignore", output, output], detached: true });
  const ended = once(daemon, "exit");
  const left = ended.then(async () =>
    Promise.reject(new Error(`Cannot start dockerd: it ended\n${await whyNot(log)}`)),
  );
  left.catch(() => undefined);
  const deadlineMs = performance.now() + readyMs;
  while (performance.now() < deadlineMs) {
    const version = await Promise.race([engineVersion(), left]);
    if (version !== undefined) return { version, wasStarted: true, stop: () => end(daemon.pid, ended) };
    await Promise.race([after(pollMs), left]);
  }
  await end(daemon.pid, ended);
  throw new Error(`Cannot start dockerd: it must answer within ${readyMs / 1000} s\n${await whyNot(log)}`);
}

async function end(pid: number | undefined, ended: Promise<unknown>): Promise<void> {
  if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(pid, "SIGTERM");
  await ended;
}

/**
 * The Docker engine that answers; on Debian as root one is installed and started where there is none.
 *
 * @throws Error that says what is missing.
 */
export async function ensureEngine(say: Say): Promise<Engine> {
  const version = await engineVersion();
  if (version !== undefined) return { version, wasStarted: false, stop: nothing };
  const missing = await engineNeeds();
  if (missing !== undefined) throw new Error(`Cannot use Docker: ${missing}`);
  return startEngine(say);
}
