import { basename, join } from "node:path";
import { filesOf, ringObject } from "../../crypto/objects.ts";
import type { Known } from "../../crypto/unclaimed.ts";
import { ensureDir } from "../../files/atomic.ts";
import { dropUnfinished, tidyDataDir, writeDataDir, type DataFiles } from "../../files/data-dir.ts";
import type { Disk } from "../../files/disk.ts";
import { DocumentOpener } from "../../keeper/document.ts";
import type { ProjectionName, RingObject } from "../../ring/codec.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import type { KeyMaterials } from "../../ring/jwk.ts";
import type { Ring } from "../../ring/ring.ts";
import { modes, type Layout } from "./layout.ts";
import { readProjection, readRing, type Identity, type ObjectRead, type ReadingPorts } from "./readings.ts";
import { lostIn, type Place, setAside, type Standing } from "./set-aside-files.ts";
import { fileOf, tidyRingDir, writeRingFile, type TidyOptions } from "./ring-dir.ts";

/** The three objects, read one after the other: projections first, the ring last. */
export interface Snapshot {
  readonly signer: ObjectRead;
  readonly public: ObjectRead;
  readonly ring: ObjectRead;
}

/** Files that hold what the ring does not have, and where they are kept from now on. */
export interface SetAside {
  readonly object: RingObject;
  readonly to: string;
}

const projections: readonly ProjectionName[] = ["public", "signer"];

/** What a projection is made from. */
export interface Projection extends Known {
  readonly nowMs: number;
}

/** The three objects in a directory. Reading never writes. */
export class DirectoryStore {
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #opener = new DocumentOpener();
  readonly #tell: (what: SetAside) => void;
  #isTidy = false;
  /** The ring is there, and whole: other copies of it are of no use any more. */
  #hasRing = false;

  /** @param tell - Hears of what is kept because it could not be taken over */
  constructor(disk: Disk, layout: Layout, tell: (what: SetAside) => void = () => undefined) {
    this.#disk = disk;
    this.#layout = layout;
    this.#tell = tell;
  }

  /** False when a crash or a fault may have left something: {@link tidy} removes it. */
  get isTidy(): boolean {
    return this.#isTidy;
  }

  async readProjections(identity: Identity): Promise<Pick<Snapshot, ProjectionName>> {
    const ports = this.#ports(identity);
    return {
      signer: await readProjection(ports, this.#layout, "signer"),
      public: await readProjection(ports, this.#layout, "public"),
    };
  }

  async readRing(identity: Identity): Promise<ObjectRead> {
    const read = await readRing(this.#ports(identity), this.#layout);
    this.#hasRing = read.reading.kind === "ring";
    return read;
  }

  #ports(identity: Identity): ReadingPorts {
    return { disk: this.#disk, opener: this.#opener, ...identity };
  }

  /**
   * Makes this the ring, by compare-and-swap against what the snapshot has seen. A ring file that can't be read is set aside
   * first: in its place it would go with the third ring after it.
   *
   * @throws TryLaterError `Conflict` when somebody else was faster
   */
  async commit(ring: Ring, materials: KeyMaterials, seen: Snapshot): Promise<void> {
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
   * Brings a projection up to date. Returns false if it was already.
   *
   * @throws TryLaterError `Conflict` when it is newer than this ring
   * @throws ChangeNeededError `ForeignFile` when it has become somebody else's
   */
  async project(object: ProjectionName, { ring, materials, nowMs }: Projection): Promise<boolean> {
    const ports = this.#ports({ rotation: ring.rotation, algorithm: ring.signer.profile.algorithm });
    const want = filesOf[object](ring, materials);
    const found = await readProjection(ports, this.#layout, object);
    mustNotBeNewer(found, ring, object);
    if (isSame(found.files, want)) return false;
    const where = { disk: this.#disk, layout: this.#layout, hasRing: this.#hasRing };
    const lost = await lostIn(where, { found, object, next: { ring, materials } });
    if (lost.length > 0) await this.#setAside(lost, ring, object);
    const write = { files: want, nowMs, ...modesOf[object] };
    await this.#mayLeave(() => writeDataDir(this.#disk, this.#layout[object], write));
    return true;
  }

  /**
   * What will be set aside when this becomes the ring, and is published. Writes nothing. The generation is known when the ring is
   * made: it follows the clock.
   */
  async setsAside(seen: Snapshot, next: Known): Promise<readonly SetAside[]> {
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
    return objects.map((object) => ({ object, to: join(this.#layout.setAside, "<generation>", object) }));
  }

  #aside({ generation }: Ring, object: RingObject): Place {
    return { root: this.#layout.setAside, generation, object };
  }

  async #setAside(files: readonly Standing[], ring: Ring, object: RingObject): Promise<void> {
    const to = await setAside(this.#disk, files, this.#aside(ring, object));
    this.#tell({ object, to });
  }

  /** Makes the directories, and gives those with private halves their permissions back. */
  async prepare(): Promise<void> {
    const { dir, ring, acks } = this.#layout;
    await ensureDir(this.#disk, dir, modes.openDir);
    for (const path of [ring, acks]) await ensureDir(this.#disk, path, modes.secretDir);
    for (const path of [ring, this.#layout.signer, acks]) await this.#close(path);
  }

  /** A mount with fsGroup opens every file to the group at each start of a pod. */
  async #close(path: string): Promise<void> {
    const found = await this.#disk.entry(path);
    if (found?.type === "directory" && (found.mode & 0o077) !== 0) await this.#disk.chmod(path, modes.secretDir);
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

const modesOf = {
  signer: { mode: modes.secretFile, dirMode: modes.secretDir },
  public: { mode: modes.openFile, dirMode: modes.openDir },
};

function mustNotBeNewer({ reading }: ObjectRead, { generation }: Ring, object: ProjectionName): void {
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
