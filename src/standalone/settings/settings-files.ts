import { replaceFile, readIfThere } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import { ChangeNeededError, KeyturnError } from "../../errors/keyturn-error.ts";
import { type RotationRef, rotationName } from "../../ring/ring.ts";
import { readRotation, type RefusedRotation, type Rotation } from "../../ring/resource/rotation.ts";
import { readConfig, type Config } from "./config.ts";
import { modes, type Layout } from "../store/layout.ts";
import { readOverrides, unitedOverrides, type Overrides, type OverridesRead } from "./overrides.ts";
import { nameInRing, standIn, writeRefused } from "./refused-config.ts";
import type { Instructions } from "../../keeper/observe.ts";
import { effective, errorOf } from "./effective.ts";

/**
 * Config and overrides, followed while the loop runs, each by itself: what is good takes effect, what is bad changes nothing,
 * and an emergency is obeyed wherever it can be read.
 */
export class SettingsFiles {
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #config: Config;
  #last: ConfigRead | undefined;
  #good: Rotation | undefined;
  #overrides: Overrides = {};
  #current: Instructions | undefined;

  constructor(disk: Disk, layout: Layout, config: Config) {
    this.#disk = disk;
    this.#layout = layout;
    this.#config = config;
  }

  /** What is in force. @throws TypeError before {@link load} */
  get current(): Instructions {
    if (!this.#current) throw new TypeError("Cannot tell the settings: they were not read yet");
    return this.#current;
  }

  /**
   * Reads both files for the first time. Where the config is bad, the ring that is there has emergencies carried out all the
   * same.
   *
   * @throws KeyturnError when the config is bad and there is no ring: nothing is to be kept
   */
  async load(): Promise<void> {
    await this.#take(await this.#read());
  }

  /** Reads both files again. */
  async refresh(): Promise<void> {
    await this.#take(await this.#read());
  }

  /**
   * Puts the config where the tools find it, or why it is refused. Apart from reading: what can't be put there must hold up no
   * pass.
   *
   * @throws KeyturnError when it can't be put there
   */
  async show(): Promise<void> {
    const last = this.#last;
    if (last?.kind === "good") await this.#show(last.resource);
    const refused = last?.kind === "refused" ? { error: errorOf(last.why), holds: !this.#good } : undefined;
    await writeRefused(this.#disk, this.#layout, refused);
  }

  async #take(read: ConfigRead): Promise<void> {
    this.#last = read;
    const overrides = await this.#readOverrides();
    if (read.kind === "good") this.#good = read.rotation;
    if (this.#good) {
      const refused = read.kind === "good" ? {} : { refused: read.why };
      this.#current = effective({ rotation: this.#good, ...refused, overrides });
    } else if (read.kind === "refused") {
      const rotation = (await standIn(read.why, this.#disk, this.#layout)) ?? this.#current?.told.rotation;
      if (!rotation) throw errorOf(read.why);
      this.#current = effective({ rotation, overrides });
    }
  }

  async #read(): Promise<ConfigRead> {
    try {
      const resource = await readConfig(this.#config);
      const rotation = readRotation(resource);
      if (rotation.ref.name !== "") mustKeepName(rotation.ref, await this.#nameBefore());
      return "policy" in rotation ? { kind: "good", resource, rotation } : { kind: "refused", why: rotation };
    } catch (error) {
      if (error instanceof KeyturnError) return { kind: "refused", why: error };
      throw error;
    }
  }

  /** Whose directory it is; undefined when nobody's yet. */
  async #nameBefore(): Promise<RotationRef | undefined> {
    return this.#good?.ref ?? (await nameInRing(this.#disk, this.#layout));
  }

  /** What a damaged file said before is not forgotten while this process lives. */
  async #readOverrides(): Promise<OverridesRead> {
    const read = await readOverrides(this.#disk, this.#layout.overrides);
    this.#overrides = read.problem ? unitedOverrides(this.#overrides, read.overrides) : read.overrides;
    return { ...read, overrides: this.#overrides };
  }

  async #show(resource: unknown): Promise<void> {
    const text = `${JSON.stringify(resource, undefined, 2)}\n`;
    if ((await readIfThere(this.#disk, this.#layout.rotation)) === text) return;
    await replaceFile(this.#disk, this.#layout.rotation, { text, mode: modes.secretFile });
  }
}

/** The config that stands there now. */
type ConfigRead =
  | { readonly kind: "good"; readonly resource: unknown; readonly rotation: Rotation }
  | { readonly kind: "refused"; readonly why: RefusedRotation | KeyturnError };

function mustKeepName(next: RotationRef, before: RotationRef | undefined): void {
  if (!before || (next.namespace === before.namespace && next.name === before.name)) return;
  throw new ChangeNeededError(
    "InvalidSpec",
    `metadata.name: must stay "${rotationName(before)}", whose keys are in the directory, is "${rotationName(next)}"`,
  );
}
