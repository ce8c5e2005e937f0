import { join } from "node:path";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { Bell } from "../time/bell.ts";
import type { Clock } from "../time/clock.ts";
import { currentVersion } from "./data-dir.ts";
import type { Reader } from "./disk.ts";
import { RefusedEntryError } from "./fs-errors.ts";
import { readDataDir } from "./read-data-dir.ts";
import { watchDirs } from "./watch-dirs.ts";

/** What stands in a directory under one name. */
export type DocumentText =
  | { readonly kind: "text"; readonly text: string }
  /** There is nothing: not yet, or not any more. */
  | { readonly kind: "missing"; readonly problem: string }
  /** There is something else. */
  | { readonly kind: "unfit"; readonly problem: string };

export interface DirDocumentOptions {
  readonly disk: Reader;
  /** Where the document stands: behind `..data` as the kubelet and standalone have it, or as a plain file. */
  readonly dir: string;
  readonly name: string;
  readonly clock: Clock;
  /** A change that the kernel does not tell of is seen after this long. @default 1000 */
  readonly pollMs?: number;
}

/** One document of a directory that others write. */
export class DirDocument {
  readonly #options: DirDocumentOptions;
  readonly #bell: Bell;
  #watched: { readonly identity: string; readonly stop: AbortController } | undefined;

  constructor(options: DirDocumentOptions) {
    this.#options = options;
    this.#bell = new Bell(options.clock);
  }

  /** What stands there now; of one consistent set of files, whatever is swapped meanwhile. */
  async read(): Promise<DocumentText> {
    const { disk, dir, name } = this.#options;
    try {
      const found = await readDataDir(disk, dir);
      switch (found.kind) {
        case "missing":
          return { kind: "missing", problem: `"${dir}" must have a ${name}, is missing or empty` };
        case "dangling":
          return { kind: "missing", problem: `"${dir}/..data" must point to a directory` };
        case "plain":
          return { kind: "text", text: await disk.readText(join(dir, name)) };
        case "data": {
          const text = found.files[name];
          return text === undefined ? { kind: "unfit", problem: `must have a "${name}"` } : { kind: "text", text };
        }
        default:
          return found satisfies never;
      }
    } catch (error) {
      return this.#problemOf(error);
    }
  }

  /**
   * Tells of every change, the first reading included, until the signal.
   *
   * @param take - False: it can't be used. It may be half-written, and is looked at again
   */
  async follow(signal: AbortSignal, take: (reading: DocumentText) => boolean | Promise<boolean>): Promise<void> {
    const { pollMs = 1000 } = this.#options;
    let last: string | undefined;
    while (!signal.aborted) {
      await this.#watch(signal);
      // Taken before reading: a swap in between is seen the next time
      const stamp = await this.#stamp();
      if (stamp !== last) last = (await take(await this.read())) ? stamp : undefined;
      await this.#bell.sleep(pollMs, signal);
    }
    this.#watched?.stop.abort();
  }

  /** Anew when another directory stands there: a watch of one that is gone is deaf. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { disk, dir } = this.#options;
    const identity = await disk.entry(dir).then(
      (entry) => entry?.identity,
      () => undefined,
    );
    if (identity === this.#watched?.identity || signal.aborted) return;
    this.#watched?.stop.abort();
    this.#watched = undefined;
    if (identity === undefined) return;
    const stop = new AbortController();
    this.#watched = { identity, stop };
    watchDirs([dir], () => this.#bell.ring(), stop.signal);
  }

  /** Another one whenever the files are others. */
  async #stamp(): Promise<string> {
    const { disk, dir, name } = this.#options;
    try {
      const version = await currentVersion(disk, dir);
      if (version !== undefined) return version;
      const entry = await disk.entry(join(dir, name));
      return entry ? `${entry.identity} ${entry.changedAtMs} ${entry.sizeBytes}` : "nothing";
    } catch (error) {
      return errnoOf(error) ?? "nothing";
    }
  }

  /** What is no fault of the disk is told as well: whoever follows goes on with what it has. */
  #problemOf(error: unknown): DocumentText {
    const { dir, name } = this.#options;
    if (error instanceof RefusedEntryError) return { kind: "unfit", problem: error.message };
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing", problem: `"${dir}" must have a ${name}` };
    const why = fileProblem(error) ?? "it can't be read";
    return { kind: "unfit", problem: `"${dir}" must be readable: ${why}` };
  }
}
