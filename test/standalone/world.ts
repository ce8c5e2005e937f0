import { lstat, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, vi } from "vitest";
import type { Disk } from "../../src/files/disk.ts";
import { keyRingAck } from "../../src/ring/ack-document.ts";
import type { Ack } from "../../src/ring/ack.ts";
import { decodeKeyRing } from "../../src/ring/codec.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import type { Config } from "../../src/standalone/settings/config.ts";
import type { Log } from "../../src/telemetry/log.ts";
import type { PassReport } from "../../src/keeper/pass.ts";
import { runStandalone, type StandaloneOptions } from "../../src/standalone/run-standalone.ts";
import { FakeTime } from "./fake-time.ts";
import { resource } from "./resource.ts";

interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

/** A log that remembers. */
class Lines implements Log {
  readonly lines: Line[] = [];
  debug = (fields: object, message: string): void => void this.lines.push({ level: "debug", fields, message });
  info = (fields: object, message: string): void => void this.lines.push({ level: "info", fields, message });
  warn = (fields: object, message: string): void => void this.lines.push({ level: "warn", fields, message });
  error = (fields: object, message: string): void => void this.lines.push({ level: "error", fields, message });

  texts(level: Line["level"]): readonly string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}

export interface RunOptions {
  readonly config?: Config;
  readonly groups?: NonNullable<StandaloneOptions["groups"]>;
  readonly disk?: Disk;
  readonly log?: Log;
  readonly pollMs?: number;
  readonly chance?: () => number;
  /** Ends the loop after the pass for which it is true. */
  readonly until?: (report: PassReport) => boolean;
  /** Ends the loop when nothing is left to do before so much time has passed. */
  readonly forMs?: number;
}

/** A directory and a time, on which the real loop runs. */
export class World {
  readonly dir: string;
  readonly time: FakeTime;
  readonly log = new Lines();

  constructor(dir: string, time = new FakeTime()) {
    this.dir = dir;
    this.time = time;
  }

  /** Runs the loop from its start to its end, as a process would. Returns all reports. */
  async run({ until, forMs = Infinity, ...options }: RunOptions): Promise<readonly PassReport[]> {
    const controller = new AbortController();
    const reports: PassReport[] = [];
    this.time.endIn(forMs, () => controller.abort());
    await runStandalone({
      dir: this.dir,
      config: { resource: resource() },
      clock: this.time,
      bell: this.time,
      log: this.log,
      signal: controller.signal,
      pollMs: Infinity,
      ...options,
      on: (report) => {
        reports.push(report);
        if (reports.length > 5000) throw new Error("the loop does not come to its end");
        if (until?.(report) === true) controller.abort();
      },
    });
    return reports;
  }

  /** Runs until nothing is left to do now. */
  async settle(options: RunOptions = {}): Promise<Ring> {
    await this.run({ until: isIdle, ...options });
    return this.ring();
  }

  /** Runs for so long. */
  runFor(forMs: number, options: RunOptions = {}): Promise<readonly PassReport[]> {
    return this.run({ forMs, ...options });
  }

  path(...names: readonly string[]): string {
    return join(this.dir, ...names);
  }

  text(...names: readonly string[]): Promise<string> {
    return readFile(this.path(...names), "utf8");
  }

  async ringFiles(): Promise<readonly string[]> {
    return (await readdir(this.path("ring")).catch(() => [])).sort();
  }

  /** All rings that are stored, newest first. */
  async rings(): Promise<readonly Ring[]> {
    const names = (await this.ringFiles()).filter((name) => name.startsWith("keyring."));
    return Promise.all(names.reverse().map((name) => this.#ringIn(name)));
  }

  /** The newest ring, as facts. */
  async ring(): Promise<Ring> {
    return this.#ringIn((await this.ringFiles()).at(-1) ?? "");
  }

  async #ringIn(name: string): Promise<Ring> {
    return decodeKeyRing(await this.text("ring", name), "ring").ring;
  }

  /** What a gateway says, at this moment. */
  async ack(name: string, ack: Ack, rotation = "demo"): Promise<void> {
    const document = keyRingAck({ name }, { rotation, podName: name, ack });
    await writeFile(this.path("acks", `${name}.json`), JSON.stringify(document));
    await this.touch(name);
  }

  /** A gateway says that it is still there. */
  async touch(name: string): Promise<void> {
    const nowSeconds = this.time.wallMs / 1000;
    await utimes(this.path("acks", `${name}.json`), nowSeconds, nowSeconds);
  }

  /** Every entry with its text and its last change. */
  async fingerprint(): Promise<readonly string[]> {
    const names = await readdir(this.dir, { recursive: true });
    const entries = names.map(async (name) => `${name} ${(await lstat(this.path(name))).mtimeMs}`);
    return (await Promise.all(entries)).sort();
  }

  async writeOverrides(overrides: object): Promise<void> {
    await writeFile(this.path("overrides.json"), JSON.stringify(overrides), { mode: 0o600 });
  }
}

/** Nothing was done in this pass. */
export const isIdle = ({ steps, published }: PassReport): boolean => steps.length === 0 && published.length === 0;

export const kidsOf = (ring: Ring): readonly string[] => keysOf(ring).map(({ kid }) => kid);

const temporary: string[] = [];

// Real files and processes take long on a machine that is busy
vi.setConfig({ testTimeout: 60_000 });

/** In memory where the machine allows it: a real file system, on which fsync costs nothing. */
const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(base, "keyturn-"));
  temporary.push(dir);
  return dir;
}

export async function newWorld(time?: FakeTime): Promise<World> {
  return new World(join(await tempDir(), "home"), time);
}

afterEach(async () => {
  for (const dir of temporary.splice(0)) await rm(dir, { recursive: true, force: true });
});
