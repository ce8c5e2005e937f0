import { join } from "node:path";
import { ensureDir, readIfThere, removeIfThere, replaceFile } from "../../files/atomic.ts";
import { type Disk, nodeDisk } from "../../files/disk.ts";
import { acquireLock, type Lock, lockRequest } from "../../files/lock.ts";
import { withStorageErrors } from "../../files/storage-error.ts";
import { pairInMemory, type PairStore } from "../../identity/store/pair-store.ts";
import { jsonIn } from "../../parse/json.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import { type Clock, sleep } from "../../time/clock.ts";
import type { IdentitySpec, TokenEndpoint } from "../agent-spec.ts";
import { parseRegistered } from "../config/read-identity.ts";
import { agentTexts } from "../config/token-agent-limits.ts";
import { writtenRegistered } from "../config/write-registered.ts";
import { StoredPair } from "./stored-pair.ts";

/** What an agent has of its own, and finds again when it starts. */
export interface AgentState {
  /** Where the pair of an identity lies. */
  pairOf(spec: IdentitySpec): PairStore;
  /** What was registered at run time, and is to be there again; with this issuer. */
  registered(issuer: TokenEndpoint | undefined): Promise<readonly IdentitySpec[]>;
  /** Resolves once it would outlive a power cut. @throws KeyturnError */
  keep(spec: IdentitySpec): Promise<void>;
  /** False where there was none. @throws KeyturnError */
  drop(name: string): Promise<boolean>;
  /** Lets another agent in. */
  close(): Promise<void>;
}

/** For an agent without a directory: each start begins anew. */
export function stateInMemory(): AgentState {
  const done = Promise.resolve();
  return {
    ...{ pairOf: pairInMemory, keep: () => done, close: () => done },
    ...{ registered: () => Promise.resolve([]), drop: () => Promise.resolve(false) },
  };
}

export interface StateDirOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** @default the real one */
  readonly disk?: Disk;
}

const modes = { dir: 0o700, file: 0o600 } as const;

/**
 * `DIR/identities/NAME.json` has the pair of an identity, `DIR/registered/NAME.json` what was registered: a file for each, so that what one change
 * costs does not grow with their number. One lock for all of it, `DIR/lock`.
 *
 * @throws TryLaterError `Locked`: another agent is there, which is named
 * @throws KeyturnError when the disk has something against it
 */
export async function openStateDir(dir: string, options: StateDirOptions): Promise<AgentState> {
  const { clock, chance, log, disk = nodeDisk() } = options;
  const lock = await withStorageErrors(async () => {
    for (const path of [dir, join(dir, pairs), join(dir, registered)]) await ensureDir(disk, path, modes.dir);
    const pause = (ms: number): Promise<void> => sleep(clock, ms);
    const request = lockRequest(clock.nowMs(), { chance, pause });
    return acquireLock(disk, { path: dir, lockDir: join(dir, "lock") }, request);
  });
  if (lock.missing !== undefined) {
    log.warn({ dir, why: lock.missing }, "this file system has no locks: a second agent would not be found out");
  }
  return new StateDir(dir, lock, { ...options, disk });
}

const pairs = "identities";
const registered = "registered";

class StateDir implements AgentState {
  readonly #dir: string;
  readonly #pairsDir: string;
  readonly #lock: Lock;
  readonly #options: Required<StateDirOptions>;

  constructor(dir: string, lock: Lock, options: Required<StateDirOptions>) {
    this.#dir = dir;
    this.#pairsDir = join(dir, pairs);
    this.#lock = lock;
    this.#options = options;
  }

  pairOf(spec: IdentitySpec): PairStore {
    return new StoredPair(this.#pairsDir, spec, this.#options);
  }

  registered(issuer: TokenEndpoint | undefined): Promise<readonly IdentitySpec[]> {
    return withStorageErrors(async () => {
      const found: IdentitySpec[] = [];
      for (const file of await this.#options.disk.names(join(this.#dir, registered))) {
        const name = file.endsWith(".json") ? file.slice(0, -".json".length) : "";
        const spec = agentTexts.name.form.test(name) ? await this.#read(name, issuer) : undefined;
        if (spec !== undefined) found.push(spec);
      }
      return found;
    });
  }

  keep(spec: IdentitySpec): Promise<void> {
    const file = { text: `${JSON.stringify(writtenRegistered(spec), undefined, 2)}\n`, mode: modes.file };
    return withStorageErrors(() => replaceFile(this.#options.disk, this.#fileOf(spec.name), file));
  }

  drop(name: string): Promise<boolean> {
    const { disk } = this.#options;
    return withStorageErrors(async () => {
      // Any text may come as a name: no other is the name of a file
      if (!agentTexts.name.form.test(name) || (await disk.entry(this.#fileOf(name))) === undefined) return false;
      await removeIfThere(disk, this.#fileOf(name));
      await disk.syncDir(join(this.#dir, registered));
      return true;
    });
  }

  close(): Promise<void> {
    return this.#lock.release();
  }

  #fileOf(name: string): string {
    return join(this.#dir, registered, `${name}.json`);
  }

  async #read(name: string, issuer: TokenEndpoint | undefined): Promise<IdentitySpec | undefined> {
    const { disk, log } = this.#options;
    try {
      const text = await readIfThere(disk, this.#fileOf(name));
      return text === undefined ? undefined : parseRegistered(jsonIn(text), { name, dir: this.#dir, issuer });
    } catch (error) {
      log.error({ identity: name, err: error }, "what was registered can't be read, and is left out");
      return undefined;
    }
  }
}
