import { realpath, stat } from "node:fs/promises";
import { nodeDisk, type Disk } from "../files/disk.ts";
import { readIfThere } from "../files/atomic.ts";
import { readDataDir } from "../files/read-data-dir.ts";
import { watchDirs } from "../files/watch-dirs.ts";
import { Bell } from "../time/bell.ts";
import type { Precheck, RingHome, SetAside } from "../keeper/home.ts";
import { publicHalvesIn } from "../keeper/recovery.ts";
import { knownAfter } from "../keeper/strangers.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { Change } from "../ring/change.ts";
import type { Decision, Observation } from "../ring/decide.ts";
import { ChangeNeededError, KeyturnError } from "../errors/keyturn-error.ts";
import type { Algorithm } from "../ring/key.ts";
import type { Keeper } from "../ring/keeper.ts";
import { readRotation, type RefusedRotation, type Rotation } from "../ring/resource/rotation.ts";
import { AckReader } from "./loop/ack-reader.ts";
import { changeOverrides, damagedName, isEmergency } from "./settings/change-overrides.ts";
import type { Clocks } from "../time/clock.ts";
import { configDirs, readConfig, type Config } from "./settings/config.ts";
import { fingerprint } from "./store/fingerprint.ts";
import { directoryKeeper } from "./lock/directory-keeper.ts";
import { layoutOf, type Layout } from "./store/layout.ts";
import { observeDirectory, type Sight, type Sources } from "./loop/observe-directory.ts";
import { readOverrides } from "./settings/overrides.ts";
import { readRefused, standIn } from "./settings/refused-config.ts";
import { effective, errorOf, type SettingsRead } from "./settings/effective.ts";
import { readState } from "./loop/state-file.ts";
import { withStorageErrors } from "./store/storage-error.ts";
import { DirectoryStore } from "./store/directory-store.ts";
import { parseJson } from "../parse/document.ts";

export interface DirectoryHomeOptions {
  readonly clock: Clocks;
  /** Instead of what the running process left in rotation.json. */
  readonly config?: Config;
  /** How often to look when the kernel says nothing. @default 1000 */
  readonly pollMs?: number;
}

/**
 * The rotation in a directory that `keyturn standalone` runs on, or has run on. Takes no lock and writes nothing but
 * overrides.json.
 *
 * @throws ChangeNeededError when the directory is missing
 */
export async function directoryHome(dir: string, options: DirectoryHomeOptions): Promise<RingHome> {
  const real = await withStorageErrors(() => realpath(dir));
  const disk = await withStorageErrors(() => diskFor(real));
  return new Home(real, disk, options);
}

/** Root works on behalf of the directory's owner: what it writes must be readable to the process that runs there. */
async function diskFor(dir: string): Promise<Disk> {
  const { uid, gid } = await stat(dir);
  return process.geteuid?.() === 0 ? nodeDisk({ alsoTrusted: [uid], owner: { uid, gid } }) : nodeDisk();
}

const algorithmFor = ({ policy }: Pick<Observation, "policy">): Algorithm =>
  policy.adoptionAlgorithm ?? policy.profile.algorithm;

const trustedAt = (nowMs: number) => ({ trusted: true, jumpMs: 0, holdMs: 0, nowMs, waitsFromMs: nowMs });

class Home implements RingHome {
  readonly where: string;
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #config: Config | undefined;
  readonly #pollMs: number;
  readonly #sources: Sources;

  constructor(dir: string, disk: Disk, { clock, config, pollMs = 1000 }: DirectoryHomeOptions) {
    this.where = `directory ${dir}`;
    this.#disk = disk;
    this.#layout = layoutOf(dir);
    this.#config = config;
    this.#pollMs = pollMs;
    this.#sources = {
      store: new DirectoryStore(disk, this.#layout),
      acks: new AckReader(disk, this.#layout.acks, clock),
      clock,
      // Whoever looks only for a moment can't tell that the clock was set
      judgeClock: () => trustedAt(clock.nowMs()),
    };
  }

  async observe(): Promise<Observation> {
    return (await this.#look()).observation;
  }

  #look(): Promise<Sight> {
    return withStorageErrors(async () => {
      const settings = await this.#settings();
      const now = effective({ ...settings, overrides: await readOverrides(this.#disk, this.#layout.overrides) });
      const nothing = { recoverySeenUpToMs: this.#sources.clock.nowMs() };
      const state = await readState(this.#disk, this.#layout.state);
      return observeDirectory(this.#sources, now, state ?? nothing);
    });
  }

  publicJwks(): Promise<string> {
    return this.#fileOf("public", "jwks.json");
  }

  keyRing(of: ProjectionName): Promise<string> {
    return this.#fileOf(of, "keyring.json");
  }

  keeper(): Promise<Keeper> {
    return withStorageErrors(() => directoryKeeper(this.#disk, this.#layout.lock));
  }

  async precheck(change: Change): Promise<Precheck> {
    const { problem } = await withStorageErrors(() => readOverrides(this.#disk, this.#layout.overrides));
    if (!problem || !isEmergency(change)) return { notes: [] };
    const name = await withStorageErrors(() => damagedName(this.#disk, this.#layout));
    return { notes: [`${problem.message}; it is set aside as ${name}, and what can be read of it stays`] };
  }

  async setsAside(decision: Decision, change: Change): Promise<readonly SetAside[]> {
    const { snapshot, observation } = await this.#look();
    const next = knownAfter(decision, snapshot, publicHalvesIn(change, algorithmFor(observation)));
    const kept = next ? await withStorageErrors(() => this.#sources.store.setsAside(snapshot, next)) : [];
    return kept.map(({ object, to }) => ({ from: `the ${object} object`, to }));
  }

  async change(change: Change): Promise<void> {
    await withStorageErrors(async () => {
      const { found, policy } = await this.observe();
      const revoked = found.ring.kind === "ring" ? found.ring.ring.revoked.map(({ kid }) => kid) : [];
      await changeOverrides(this.#disk, this.#layout, {
        change,
        pinnedKid: policy.pinnedKid,
        algorithm: algorithmFor({ policy }),
        revoked,
        nowMs: this.#sources.clock.nowMs(),
      });
    });
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    const bell = new Bell();
    const { dir, ring, acks } = this.#layout;
    watchDirs([dir, ring, acks, ...(this.#config ? configDirs(this.#config) : [])], () => bell.ring(), signal);
    let last = await this.#fingerprint();
    while (true) {
      await bell.sleep(this.#pollMs, signal);
      if (signal.aborted) return;
      const next = await this.#fingerprint();
      if (next !== last) yield;
      last = next;
    }
  }

  #fingerprint(): Promise<string> {
    const config = this.#config ?? { path: this.#layout.rotation };
    return withStorageErrors(() => fingerprint(this.#disk, this.#layout, { acks: this.#sources.acks, config }));
  }

  /** The config in force, as the process that runs here has it; where that has none, what stands in for it. */
  async #settings(): Promise<Pick<SettingsRead, "rotation" | "refused">> {
    const told = this.#config ? undefined : await readRefused(this.#disk, this.#layout);
    const last = await this.#lastConfig();
    if (last && "policy" in last && told?.holds !== true) {
      return { rotation: last, ...(told && { refused: told.error }) };
    }
    const broken = last && !("policy" in last) ? last : undefined;
    const why: RefusedRotation | KeyturnError = told?.error ?? broken ?? this.#noRotation();
    const rotation = told || broken ? await standIn(why, this.#disk, this.#layout) : undefined;
    if (!rotation) throw errorOf(why);
    return { rotation };
  }

  async #lastConfig(): Promise<Rotation | RefusedRotation | KeyturnError | undefined> {
    try {
      if (this.#config) return readRotation(await readConfig(this.#config));
      const text = await readIfThere(this.#disk, this.#layout.rotation);
      if (text === undefined) return undefined;
      const subject = { code: "ConfigUnreadable", action: `Cannot read "${this.#layout.rotation}"` };
      return readRotation(parseJson(text, { subject, publicOnly: true }).value);
    } catch (error) {
      if (error instanceof KeyturnError) return error;
      throw error;
    }
  }

  #noRotation(): ChangeNeededError {
    return new ChangeNeededError(
      "NoRotation",
      `Cannot use directory "${this.#layout.dir}": must hold a rotation, "keyturn standalone" has not run here`,
    );
  }

  #fileOf(object: ProjectionName, name: string): Promise<string> {
    return withStorageErrors(async () => {
      const found = await readDataDir(this.#disk, this.#layout[object]);
      const text = found.kind === "data" ? found.files[name] : undefined;
      if (text !== undefined) return text;
      throw new ChangeNeededError("NoRing", `Cannot read "${this.#layout[object]}/${name}": nothing is published yet`);
    });
  }
}
