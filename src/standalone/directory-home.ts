import { errnoOf } from "../errors/errno-words.ts";
import { realpath, stat } from "node:fs/promises";
import { nodeDisk, type Disk } from "../files/disk.ts";
import { readDataDir } from "../files/read-data-dir.ts";
import { watchDirs } from "../files/watch-dirs.ts";
import { Bell } from "../time/bell.ts";
import type { Precheck, RingHome } from "../keeper/home.ts";
import { type ClockReading, observe, type Observed } from "../keeper/observe.ts";
import { quarrel } from "../keeper/quarrel.ts";
import { publicHalvesIn } from "../keeper/recovery.ts";
import type { SetAside } from "../keeper/store.ts";
import { knownAfter } from "../keeper/strangers.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { Change } from "../ring/change.ts";
import type { Decision, Observation } from "../ring/decide.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { Algorithm } from "../ring/key.ts";
import type { Keeper } from "../ring/keeper.ts";
import { algorithmOf } from "../ring/resource/rotation.ts";
import { AckReader } from "./loop/ack-reader.ts";
import { changeOverrides, damagedName, isEmergency } from "./settings/change-overrides.ts";
import type { Clocks } from "../time/clock.ts";
import { configDirs, type Config } from "./settings/config.ts";
import { fingerprint } from "./loop/fingerprint.ts";
import { directoryKeeper } from "./directory-keeper.ts";
import { layoutOf, type Layout } from "./store/layout.ts";
import { directorySources } from "./loop/directory-sources.ts";
import { readOverrides } from "./settings/overrides.ts";
import { settingsFor } from "./settings/settings-for.ts";
import { effective } from "./settings/effective.ts";
import { readState, type State } from "./loop/state-file.ts";
import { withStorageErrors } from "../files/storage-error.ts";
import type { DirectoryRead } from "./store/readings.ts";
import { DirectoryStore } from "./store/directory-store.ts";

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
  const real = await asPerson(() => realpath(dir));
  const disk = await asPerson(() => diskFor(real));
  return new DirectoryHome(real, disk, options);
}

/** Root works on behalf of the directory's owner: what it writes must be readable to the process that runs there. */
async function diskFor(dir: string): Promise<Disk> {
  const { uid, gid } = await stat(dir);
  return process.geteuid?.() === 0 ? nodeDisk({ alsoTrusted: [uid], owner: { uid, gid } }) : nodeDisk();
}

/** The result of what a person asks for, or what is wrong with it, with what to do. */
async function asPerson<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withStorageErrors(work);
  } catch (error) {
    if (!(error instanceof ChangeNeededError) || errnoOf(error.cause) !== "EACCES") throw error;
    const who = "run this as the user who runs Keyturn there, or as root";
    throw new ChangeNeededError(error.code, `${error.message}; ${who}`, { cause: error.cause });
  }
}

interface DirectoryLook extends Observed<DirectoryRead> {
  /** Of new keys. */
  readonly algorithm: Algorithm;
}

class DirectoryHome implements RingHome {
  readonly where: string;
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #config: Config | undefined;
  readonly #pollMs: number;
  readonly #clock: Clocks;
  readonly #acks: AckReader;
  readonly #store: DirectoryStore;

  constructor(dir: string, disk: Disk, { clock, config, pollMs = 1000 }: DirectoryHomeOptions) {
    this.where = `directory ${dir}`;
    this.#disk = disk;
    this.#layout = layoutOf(dir);
    this.#config = config;
    this.#pollMs = pollMs;
    this.#clock = clock;
    this.#acks = new AckReader(disk, this.#layout.acks, clock);
    this.#store = new DirectoryStore({ disk, layout: this.#layout, clock });
  }

  async observe(): Promise<Observation> {
    return (await this.#look()).observation;
  }

  #look(): Promise<DirectoryLook> {
    return asPerson(async () => {
      const settings = await settingsFor(this.#disk, this.#layout, this.#config);
      const now = effective({ ...settings, overrides: await readOverrides(this.#disk, this.#layout.overrides) });
      const nowMs = this.#clock.nowMs();
      const state: State = (await readState(this.#disk, this.#layout.state)) ?? { recoverySeenUpToMs: nowMs };
      // Whoever looks only for a moment can't tell that the clock was set
      const readClock = (): ClockReading => ({ trusted: true, nowMs, waitsFromMs: nowMs });
      const seen = await observe(directorySources({ store: this.#store, acks: this.#acks, readClock }, now, state));
      const observation = { ...seen.observation, ...(state.quarrelSinceMs !== undefined && { rival: quarrel }) };
      return { ...seen, observation, algorithm: algorithmOf(now.told.rotation) };
    });
  }

  publicJwks(): Promise<string> {
    return this.#fileOf("public", "jwks.json");
  }

  keyRing(of: ProjectionName): Promise<string> {
    return this.#fileOf(of, "keyring.json");
  }

  keeper(): Promise<Keeper> {
    return asPerson(() => directoryKeeper(this.#disk, this.#layout.lock));
  }

  async precheck(change: Change): Promise<Precheck> {
    const { problem } = await asPerson(() => readOverrides(this.#disk, this.#layout.overrides));
    if (!problem || !isEmergency(change)) return { notes: [] };
    const name = await asPerson(() => damagedName(this.#disk, this.#layout));
    return { notes: [`${problem.message}; it is set aside as ${name}, and what can be read of it stays`] };
  }

  async setsAside(decision: Decision, change: Change): Promise<readonly SetAside[]> {
    const { snapshot, algorithm } = await this.#look();
    const next = knownAfter(decision, snapshot, publicHalvesIn(change, algorithm));
    return next ? asPerson(() => this.#store.setsAside(next, snapshot)) : [];
  }

  async change(change: Change): Promise<void> {
    await asPerson(async () => {
      const { observation, algorithm } = await this.#look();
      const { found, policy } = observation;
      const revoked = found.ring.kind === "ring" ? found.ring.ring.revoked.map(({ kid }) => kid) : [];
      await changeOverrides(this.#disk, this.#layout, {
        change,
        pinnedKid: policy.pinnedKid,
        algorithm,
        revoked,
        nowMs: this.#clock.nowMs(),
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
    return asPerson(() => fingerprint(this.#disk, this.#layout, { acks: this.#acks, config }));
  }

  #fileOf(object: ProjectionName, name: string): Promise<string> {
    return asPerson(async () => {
      const found = await readDataDir(this.#disk, this.#layout[object]);
      const text = found.kind === "data" ? found.files[name] : undefined;
      if (text !== undefined) return text;
      throw new ChangeNeededError("NoRing", `Cannot read "${this.#layout[object]}/${name}": nothing is published yet`);
    });
  }
}
