import { filesOf, type Files } from "../../../src/crypto/objects.ts";
import type { Known } from "../../../src/crypto/unclaimed.ts";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { DocumentOpener, type DocumentRead, readFiles, unusable } from "../../../src/keeper/document-read.ts";
import type { RingStore, RotationIdentity, SetAside, Snapshot } from "../../../src/keeper/store.ts";
import { losesKeys, strangerTest } from "../../../src/keeper/strangers.ts";
import type { ProjectionName, RingObject } from "../../../src/ring/codec.ts";

export interface MemoryRead extends DocumentRead {
  /** 0: there is nothing. */
  readonly version: number;
  readonly files: Files;
}

/** The three objects in memory. It passes the contract that the real stores pass, and can be told to fail. */
export class MemoryStore implements RingStore<MemoryRead> {
  /** `read signer`, `commit`, `publish public`, in the order in which they were asked for. */
  readonly calls: string[] = [];
  /** What refuses to be written, and how. */
  faults: Partial<Record<RingObject, Error>> = {};
  /** Happens just before a write. */
  beforeWrite: ((object: RingObject) => Promise<void>) | undefined;
  readonly #objects = new Map<RingObject, { readonly files: Files; readonly version: number }>();
  readonly #opener = new DocumentOpener();

  async read(object: RingObject, { rotation, algorithm }: RotationIdentity): Promise<MemoryRead> {
    this.calls.push(`read ${object}`);
    const { files, version } = this.#objects.get(object) ?? { files: {}, version: 0 };
    if (version === 0) return { ...unusable({ kind: "absent" }), files, version };
    const place = { opener: this.#opener, object, rotation, context: { createdAtMs: 0, algorithm } };
    return { ...(await readFiles(files, place)), files, version };
  }

  async commit(next: Known, seen: Snapshot<MemoryRead>): Promise<void> {
    this.calls.push("commit");
    await this.#write("ring", next, seen);
  }

  publish(object: ProjectionName, next: Known, seen: Snapshot<MemoryRead>): Promise<boolean> {
    this.calls.push(`publish ${object}`);
    return this.#write(object, next, seen);
  }

  setsAside(next: Known, seen: Snapshot<MemoryRead>): Promise<readonly SetAside[]> {
    const objects = (["ring", "signer", "public"] as const).filter((object) => isLost(object, next, seen[object]));
    return Promise.resolve(objects.map((object) => ({ object, from: `the ${object} object`, to: "nowhere" })));
  }

  /** Something else stands there now. */
  replace(object: RingObject, files: Files): void {
    this.#objects.set(object, { files, version: this.#versionOf(object) + 1 });
  }

  /** What stands there. */
  filesOf(object: RingObject): Files {
    return this.#objects.get(object)?.files ?? {};
  }

  async #write(object: RingObject, { ring, materials }: Known, seen: Snapshot<MemoryRead>): Promise<boolean> {
    await this.beforeWrite?.(object);
    const fault = this.faults[object];
    if (fault) throw fault;
    if (this.#versionOf(object) !== seen[object].version) {
      throw new TryLaterError("Conflict", `Cannot write the ${object} object: must be as it was read`);
    }
    const files = filesOf[object](ring, materials);
    if (JSON.stringify(files) === JSON.stringify(seen[object].files)) return false;
    this.replace(object, files);
    return true;
  }

  #versionOf(object: RingObject): number {
    return this.#objects.get(object)?.version ?? 0;
  }
}

function isLost(object: RingObject, next: Known, read: MemoryRead): boolean {
  if (object === "ring" && read.reading.kind === "unreadable") return true;
  const strangers = Object.entries(read.files).filter(strangerTest(read, object));
  return losesKeys(strangers, read, next);
}
