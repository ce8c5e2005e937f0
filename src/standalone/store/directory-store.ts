import { basename, join } from "node:path";
import { filesOf, ringObject } from "../../crypto/objects.ts";
import type { Known } from "../../crypto/unclaimed.ts";
import { ensureDir } from "../../files/atomic.ts";
import { dropUnfinished, tidyDataDir, writeDataDir, type DataFiles } from "../../files/data-dir.ts";
import type { Disk } from "../../files/disk.ts";
import { DocumentOpener } from "../../keeper/document-read.ts";
import type { RingStore, RotationIdentity, SetAside, Snapshot } from "../../keeper/store.ts";
import type { ProjectionName, RingObject } from "../../ring/codec.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { Ring } from "../../ring/ring.ts";
import type { Clocks } from "../../time/clock.ts";
import { AccessGuard } from "./access-guard.ts";
import type { Exposure } from "./exposure.ts";
import { modes, type Layout } from "./layout.ts";
import { accessOf, type Readers } from "./readers.ts";
import { readProjection, readRing, type DirectoryRead, type ReadingPorts } from "./readings.ts";
import { lostIn, type Place, setAside, type StandingFile } from "./set-aside-files.ts";
import { fileOf, tidyRingDir, writeRingFile, type TidyOptions } from "./ring-dir.ts";

const projections: readonly ProjectionName[] = ["public", "signer"];

export interface DirectoryStoreParts {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly clock: Pick<Clocks, "nowMs">;
  readonly readers?: Readers;
  /** Hears of what is kept because it could not be taken over. */
  readonly onSetAside?: (kept: SetAside) => void;
  /** Hears of what others could read. */
  readonly onExposure?: (exposure: Exposure) => void;
}

/** The three objects in a directory. Reading never writes. */
export class DirectoryStore implements RingStore<DirectoryRead> {
  readonly #parts: DirectoryStoreParts;
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #readers: Readers;
  readonly #guard: AccessGuard;
  readonly #opener = new DocumentOpener();
  #isTidy = false;
  /** The ring is there, and whole: other copies of it are of no use any more. */
  #hasRing = false;

  constructor(parts: DirectoryStoreParts) {
    this.#parts = parts;
    this.#disk = parts.disk;
    this.#layout = parts.layout;
    this.#readers = parts.readers ?? {};
    this.#guard = new AccessGuard(parts.disk, parts.layout, this.#readers);
  }

  /** False when a crash or a fault may have left something: {@link tidy} removes it. */
  get isTidy(): boolean {
    return this.#isTidy;
  }

  async read(object: RingObject, identity: RotationIdentity): Promise<DirectoryRead> {
    const ports = this.#ports(identity);
    if (object !== "ring") return readProjection(ports, this.#layout, object);
    const read = await readRing(ports, this.#layout);
    this.#hasRing = read.reading.kind === "ring";
    return read;
  }

  #ports(identity: RotationIdentity): ReadingPorts {
    return { disk: this.#disk, opener: this.#opener, ...identity };
  }

  /**
   * As {@link RingStore} says. A ring file that can't be read is set aside first: in its place it would go with the third ring
   * after it.
   */
  async commit({ ring, materials }: Known, seen: Snapshot<DirectoryRead>): Promise<void> {
    const text = ringObject(ring, materials)["keyring.json"] ?? "";
    await ensureDir(this.#disk, this.#layout.ring, modes.secretDir);
    if (seen.ring.reading.kind === "unreadable") {
      const path = fileOf(this.#layout.ring, seen.ring.fileGeneration);
      await this.#setAside([{ name: basename(path), path, where: "plain" }], ring, "ring");
    }
    const write = { baseGeneration: seen.ring.fileGeneration, generation: ring.generation, text };
    if (!(await this.#mayLeave(() => writeRingFile(this.#disk, this.#layout.ring, write)))) this.#isTidy = false;
  }

  async #mayLeave<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#isTidy = false;
      throw error;
    }
  }

  /**
   * As {@link RingStore} says; over what stands there now, since a directory has no version to follow.
   *
   * @throws ChangeNeededError `ForeignFile` when it has become somebody else's
   */
  async publish(object: ProjectionName, { ring, materials }: Known): Promise<boolean> {
    const ports = this.#ports({ rotation: ring.rotation, algorithm: ring.signer.profile.algorithm });
    const want = filesOf[object](ring, materials);
    const found = await readProjection(ports, this.#layout, object);
    mustNotBeNewer(found, ring, object);
    if (isSame(found.files, want)) return false;
    const where = { disk: this.#disk, layout: this.#layout, hasRing: this.#hasRing };
    const lost = await lostIn(where, { found, object, next: { ring, materials } });
    if (lost.length > 0) await this.#setAside(lost, ring, object);
    const { mode, dirMode, group } = accessOf(object, this.#readers);
    const disk = group === undefined ? this.#disk : this.#disk.ofGroup(group);
    const write = { files: want, nowMs: this.#parts.clock.nowMs(), mode, dirMode };
    await this.#mayLeave(() => writeDataDir(disk, this.#layout[object], write));
    return true;
  }

  /** The generation is known when the ring is made: it follows the clock. */
  async setsAside(next: Known, seen: Snapshot<DirectoryRead>): Promise<readonly SetAside[]> {
    const where = { disk: this.#disk, layout: this.#layout, hasRing: this.#hasRing };
    const lost = await Promise.all(
      projections.map(async (object) =>
        (await lostIn(where, { found: seen[object], object, next })).length ? [object] : [],
      ),
    );
    const objects: RingObject[] = [
      ...(seen.ring.reading.kind === "unreadable" ? (["ring"] as const) : []),
      ...lost.flat(),
    ];
    return objects.map((object) => told(object, join(this.#layout.setAside, "<generation>", object)));
  }

  #aside({ generation }: Ring, object: RingObject): Place {
    return { root: this.#layout.setAside, generation, object };
  }

  async #setAside(files: readonly StandingFile[], ring: Ring, object: RingObject): Promise<void> {
    const to = await setAside(this.#disk, files, this.#aside(ring, object));
    this.#parts.onSetAside?.(told(object, to));
  }

  /** Makes the directories, and sees to who may read them. @throws ChangeNeededError `GroupRefused` */
  async prepare(): Promise<void> {
    const { dir, ring, acks } = this.#layout;
    await ensureDir(this.#disk, dir, modes.openDir);
    for (const path of [ring, acks]) await ensureDir(this.#disk, path, modes.secretDir);
    await this.#guard.prepare();
    await this.guard();
  }

  /** Gives what is there its mode and its group back: a person changes them, and a mount with fsGroup does at each start of a pod. */
  async guard(): Promise<void> {
    for (const exposure of await this.#guard.mend()) this.#parts.onExposure?.(exposure);
  }

  /** Removes what crashes and faults have left; {@link tidyProjections}, after the readers' grace, removes the rest. */
  async tidy(options: TidyOptions): Promise<void> {
    await tidyRingDir(this.#disk, this.#layout.ring, options);
    for (const object of projections) await dropUnfinished(this.#disk, this.#layout[object], this.#hasRing);
    this.#isTidy = this.#hasRing;
  }

  /** Removes the versions before the current ones; an old signer's private half stands in them. */
  async tidyProjections(): Promise<void> {
    for (const object of projections) await tidyDataDir(this.#disk, this.#layout[object]);
  }
}

const told = (object: RingObject, to: string): SetAside => ({ object, from: `the ${object} object`, to });

function mustNotBeNewer({ reading }: DirectoryRead, { generation }: Ring, object: ProjectionName): void {
  if (reading.kind === "foreign") {
    throw new ChangeNeededError("ForeignFile", `Cannot write the ${object} object: ${reading.problem}`);
  }
  if (reading.kind !== "ring" || reading.ring.generation <= generation) return;
  throw new TryLaterError(
    "Conflict",
    `Cannot write the ${object} object: must be of generation ${generation} at most, is ${reading.ring.generation}`,
  );
}

const isSame = (found: DataFiles | undefined, want: DataFiles): boolean =>
  found !== undefined &&
  Object.keys(found).length === Object.keys(want).length &&
  Object.entries(want).every(([name, text]) => found[name] === text);
