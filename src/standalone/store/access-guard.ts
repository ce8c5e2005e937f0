import { errnoOf } from "../../errors/errno-words.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import { ensureDir } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import type { Exposure } from "./exposure.ts";
import { type Layout, modes } from "./layout.ts";
import { projectionPaths } from "./projection-paths.ts";
import { accessOf, type Readers } from "./readers.ts";

interface WantedAccess {
  readonly mode: number;
  readonly group?: number;
}

/** Keeps modes and groups as they were told, whoever changes them by hand. */
export class AccessGuard {
  readonly #disk: Disk;
  readonly #layout: Layout;
  readonly #readers: Readers;

  constructor(disk: Disk, layout: Layout, readers: Readers) {
    this.#disk = disk;
    this.#layout = layout;
    this.#readers = readers;
  }

  /** Makes what is for a group, so that one which can't be given is found out at the start. @throws ChangeNeededError `GroupRefused` */
  async prepare(): Promise<void> {
    for (const object of ["signer", "public"] as const) {
      const { group, dirMode } = accessOf(object, this.#readers);
      const dir = this.#layout[object];
      if (group !== undefined) await givenTo(group, dir, () => ensureDir(this.#disk.ofGroup(group), dir, dirMode));
    }
  }

  /**
   * Sets what is not as it is to be, and returns where others could have read a private key. `public/` without a group stays as a
   * person has set it: there is nothing in it to be kept from anybody.
   *
   * @throws ChangeNeededError `GroupRefused`
   */
  async mend(): Promise<readonly Exposure[]> {
    const { ring, acks } = this.#layout;
    await this.#set(acks, { mode: modes.secretDir });
    const [ofRing] = await this.#set(ring, { mode: modes.secretDir });
    const [ofSigner] = await this.#mendProjection("signer");
    if (this.#readers.public !== undefined) await this.#mendProjection("public");
    return [ofRing, ofSigner].filter((one) => one !== undefined);
  }

  async #mendProjection(object: "signer" | "public"): Promise<readonly Exposure[]> {
    const { mode, dirMode, group } = accessOf(object, this.#readers);
    const { dirs, files } = await projectionPaths(this.#disk, this.#layout[object]);
    const of = group === undefined ? {} : { group };
    const found: Exposure[] = [];
    // From the outside: what is open is closed by its door
    for (const dir of dirs) found.push(...(await this.#set(dir, { mode: dirMode, ...of })));
    for (const file of files) found.push(...(await this.#set(file, { mode, ...of })));
    // Behind a closed door it does not matter what was open
    return found.filter(({ path }) => path === dirs[0] || group !== undefined);
  }

  async #set(path: string, { mode, group }: WantedAccess): Promise<readonly Exposure[]> {
    const found = await this.#disk.entry(path);
    if (found?.type !== "directory" && found?.type !== "file") return [];
    // Somebody else's is nothing of ours: who reads it says so
    if (!this.#disk.trusts(found.uid)) return [];
    const before = found.mode & 0o777;
    const isForeign = group !== undefined && found.gid !== group;
    if (before === mode && !isForeign) return [];
    if (group === undefined) await this.#disk.chmod(path, mode);
    else await givenTo(group, path, () => this.#disk.ofGroup(group).chmod(path, mode));
    const open = before & (isForeign ? 0o077 : 0o077 & ~mode);
    return open === 0 ? [] : [{ path, mode: before, wanted: mode, group: found.gid, toAll: (open & 0o007) !== 0 }];
  }
}

async function givenTo<T>(group: number, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const call = error instanceof Error && "syscall" in error ? error.syscall : undefined;
    if (call !== "fchown" || errnoOf(error) !== "EPERM") throw error;
    const must = "must be one of the groups of the user who runs this, or root must run it";
    throw new ChangeNeededError("GroupRefused", `Cannot give ${quotedPath(path)} to the group ${group}: ${must}`, {
      cause: error,
    });
  }
}
