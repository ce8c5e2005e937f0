import { replaceFile, readIfThere } from "../files/atomic.ts";
import type { Disk } from "../files/disk.ts";
import { ChangeNeededError, KeyturnError } from "../ring/errors.ts";
import type { RotationRef } from "../ring/ring.ts";
import { readConfig, type Config } from "./config.ts";
import { modes, type Layout } from "./layout.ts";
import { readOverrides } from "./overrides.ts";
import { effective, type Effective } from "./resource.ts";
import { storageError } from "./storage-error.ts";

/** Config and overrides, followed while the loop runs: what is good takes effect, what is bad changes nothing. */
export class Settings {
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #config: Config;
  #current: Effective | undefined;

  constructor(disk: Disk, layout: Layout, config: Config) {
    this.#disk = disk;
    this.#layout = layout;
    this.#config = config;
  }

  /** What is in force. @throws TypeError before {@link load} */
  get current(): Effective {
    if (!this.#current) throw new TypeError("Cannot tell the settings: they were not read yet");
    return this.#current;
  }

  /** Reads both files for the first time. @throws KeyturnError when they are bad: there is nothing to keep */
  async load(): Promise<void> {
    const read = await this.#read();
    if (read instanceof KeyturnError) throw read;
    this.#current = read.next;
  }

  /**
   * Reads both files again, and puts the config where the tools find it.
   *
   * @returns why what stands there now is not in force, or undefined when it is
   * @throws KeyturnError when the config can't be put there
   */
  async refresh(): Promise<KeyturnError | undefined> {
    const read = await this.#read();
    if (read instanceof KeyturnError) return read;
    this.#current = read.next;
    await this.#show(read.resource);
    return undefined;
  }

  async #read(): Promise<{ readonly resource: unknown; readonly next: Effective } | KeyturnError> {
    try {
      const resource = await readConfig(this.#config);
      const next = effective(resource, await readOverrides(this.#disk, this.#layout.overrides));
      mustKeepName(next.rotation.ref, this.#current?.rotation.ref);
      return { resource, next };
    } catch (cause) {
      const error = storageError(cause);
      if (this.#current && error instanceof KeyturnError) return error;
      throw error;
    }
  }

  async #show(resource: unknown): Promise<void> {
    const text = `${JSON.stringify(resource, undefined, 2)}\n`;
    if ((await readIfThere(this.#disk, this.#layout.rotation)) === text) return;
    await replaceFile(this.#disk, this.#layout.rotation, { text, mode: modes.secretFile });
  }
}

function mustKeepName(next: RotationRef, before: RotationRef | undefined): void {
  if (!before || (next.namespace === before.namespace && next.name === before.name)) return;
  throw new ChangeNeededError(
    "InvalidSpec",
    `metadata.name: must stay "${before.namespace}/${before.name}" while it runs, is "${next.namespace}/${next.name}"`,
  );
}
