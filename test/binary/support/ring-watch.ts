import { existsSync, watch, type FSWatcher } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as tick } from "node:timers/promises";

/** What the public `keyring.json` tells of a key. */
export interface SeenKey {
  readonly kid: string;
  readonly state: "prepared" | "active" | "verify-only";
  readonly profile: { readonly algorithm: string };
  readonly waitSeconds: number;
  readonly publishedAt?: string;
  readonly activatedAt?: string;
  readonly quiescedAt?: string;
  readonly publicJwk: Readonly<Record<string, string>>;
}

export interface SeenRing {
  readonly generation: number;
  readonly keys: readonly SeenKey[];
  readonly revoked: readonly { readonly kid: string }[];
}

/** Resolves when the directory is there. */
async function made(dir: string, health: () => string | undefined): Promise<void> {
  const deadline = AbortSignal.timeout(120_000);
  while (!existsSync(dir)) {
    if (deadline.aborted || health() !== undefined) throw new Error(`There is no ${dir}: ${health() ?? "timed out"}`);
    await tick(20);
  }
}

/** Follows the public object of a directory, as any reader could, and remembers what it saw. */
export class RingWatch {
  readonly #dir: string;
  readonly #health: () => string | undefined;
  readonly #watcher: FSWatcher;
  readonly #changed: (() => void)[] = [];
  readonly keys = new Map<string, SeenKey>();
  /** Kids that left the ring because their time was over. */
  readonly pruned = new Set<string>();
  ring: SeenRing = { generation: 0, keys: [], revoked: [] };
  /** How often another key became the signer. */
  rotations = 0;
  #version = "";
  #reading = Promise.resolve();
  onPruned: (kid: string) => void = () => undefined;

  private constructor(dir: string, health: () => string | undefined) {
    this.#dir = dir;
    this.#health = health;
    this.#watcher = watch(dir, () => this.#look());
    this.#look();
  }

  /**
   * Waits until there is something to read.
   *
   * @param health - Why nothing more will come, undefined as long as something may
   */
  static async over(dir: string, health: () => string | undefined): Promise<RingWatch> {
    await made(dir, health);
    const seen = new RingWatch(dir, health);
    await seen.until("a first ring", ({ ring }) => ring.generation > 0);
    return seen;
  }

  get signer(): SeenKey | undefined {
    return this.ring.keys.find(({ state }) => state === "active");
  }

  get standby(): SeenKey | undefined {
    return this.ring.keys.find(({ state }) => state === "prepared");
  }

  /** Resolves when what was seen fits. @throws Error after `withinMs` */
  async until(what: string, fits: (seen: this) => boolean, withinMs = 120_000): Promise<void> {
    const deadline = AbortSignal.timeout(withinMs);
    while (!fits(this)) {
      if (deadline.aborted || this.#health() !== undefined) {
        const states = this.ring.keys.map(({ kid, state }) => `${kid.slice(0, 6)} ${state}`).join(", ");
        const health = this.#health() ?? "the program runs";
        throw new Error(`Not within ${withinMs} ms: ${what}. Ring ${this.ring.generation}: ${states}; ${health}`);
      }
      const change = new Promise<void>((resolve) => {
        this.#changed.push(resolve);
      });
      // Or time to look whether the program still runs
      await Promise.race([change, tick(500)]);
    }
  }

  close(): void {
    this.#watcher.close();
  }

  /** One reading at a time, in order. */
  #look(): void {
    this.#reading = this.#reading.then(() => this.#read()).catch(() => undefined);
  }

  async #read(): Promise<void> {
    const version = await readlink(join(this.#dir, "..data"));
    if (version === this.#version) return;
    const ring = JSON.parse(await readFile(join(this.#dir, version, "keyring.json"), "utf8")) as SeenRing;
    this.#version = version;
    this.#take(ring);
    for (const resolve of this.#changed.splice(0)) resolve();
  }

  #take(ring: SeenRing): void {
    const before = this.ring;
    const signerBefore = this.signer?.kid;
    this.ring = ring;
    if (signerBefore !== undefined && signerBefore !== this.signer?.kid) this.rotations++;
    for (const key of ring.keys) this.keys.set(key.kid, key);
    for (const { kid } of before.keys) {
      if (ring.keys.some((key) => key.kid === kid) || ring.revoked.some((key) => key.kid === kid)) continue;
      this.pruned.add(kid);
      this.onPruned(kid);
    }
  }
}
