import { join } from "node:path";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Disk } from "../../files/disk.ts";
import type { HeldPair } from "../../identity/machine/held-pair.ts";
import { pairFile } from "../../identity/store/pair-file.ts";
import type { PairStore } from "../../identity/store/pair-store.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { IdentitySpec } from "../agent-spec.ts";
import { purposeOf } from "./same-spec.ts";

export interface StoredPairPorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly disk: Disk;
}

/**
 * The pair of an identity in a directory that is locked as a whole. What can't be read counts as nothing, and is said. The file is opened anew for each
 * use: ten thousand that rest hold nothing of it.
 */
export class StoredPair implements PairStore {
  readonly #dir: string;
  readonly #spec: IdentitySpec;
  readonly #ports: StoredPairPorts;

  constructor(dir: string, spec: IdentitySpec, ports: StoredPairPorts) {
    this.#dir = dir;
    this.#spec = spec;
    this.#ports = ports;
  }

  read(): Promise<HeldPair | undefined> {
    return this.#file.read().catch((error: unknown) => this.#unreadable(error));
  }

  lock(): Promise<HeldPair | undefined> {
    return this.#file.lock().catch((error: unknown) => this.#unreadable(error));
  }

  write(pair: HeldPair): Promise<void> {
    return this.#file.write(pair);
  }

  remove(): Promise<void> {
    return this.#file.remove();
  }

  unlock(): Promise<void> {
    return this.#file.unlock();
  }

  get #path(): string {
    return join(this.#dir, `${this.#spec.name}.json`);
  }

  get #file(): PairStore {
    const { disk, clock, chance } = this.#ports;
    const purpose = purposeOf(this.#spec);
    return pairFile({ path: this.#path, purpose, lock: "ofDirectory", disk, clock, chance });
  }

  #unreadable(error: unknown): undefined {
    if (!(error instanceof ChangeNeededError) || error.code !== "StateUnreadable") throw error;
    const { message: why } = error;
    const at = { identity: this.#spec.name, path: this.#path, why };
    this.#ports.log.error(at, "its tokens can't be read: it begins with its first credential");
  }
}
