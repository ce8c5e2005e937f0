import { join } from "node:path";
import { currentVersion } from "../../files/data-dir.ts";
import type { Reader } from "../../files/disk.ts";
import { errnoOf, RefusedEntryError } from "../../files/fs-errors.ts";
import { readDataDir } from "../../files/read-data-dir.ts";
import { watchDirs } from "../../files/watch-dirs.ts";
import type { Clock } from "../../time/clock.ts";
import { Bell } from "../../time/bell.ts";
import { SourceOpener, type SourceOpenerOptions, type SourceReading, type Truth } from "./ring-source.ts";

const document = "keyring.json";

export interface DirectoryOptions extends SourceOpenerOptions {
  readonly disk: Reader;
  /** Where `keyring.json` stands: behind `..data` as the kubelet and standalone have it, or as a plain file. */
  readonly dir: string;
  readonly clock: Clock;
  /** A change that the kernel does not tell of is seen after this long. @default 1000 */
  readonly pollMs?: number;
}

/** A mounted Secret or ConfigMap, or a directory that standalone keeps. */
export class Directory implements Truth {
  readonly isServer = false;
  readonly #options: DirectoryOptions;
  readonly #opener: SourceOpener;
  readonly #bell: Bell;
  #watched: { readonly identity: string; readonly stop: AbortController } | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#opener = new SourceOpener(options);
    this.#bell = new Bell(options.clock);
  }

  /** What stands there now; one consistent set of files, whatever is swapped meanwhile. */
  async read(): Promise<SourceReading> {
    const { disk, dir } = this.#options;
    try {
      const found = await readDataDir(disk, dir);
      switch (found.kind) {
        case "missing":
          return { kind: "missing", problem: `"${dir}" must have a ${document}, is missing or empty` };
        case "dangling":
          return { kind: "missing", problem: `"${dir}/..data" must point to a directory` };
        case "plain":
          return await this.#opener.open(await disk.readText(join(dir, document)));
        case "data":
          return await this.#opener.open(found.files[document]);
        default:
          return found satisfies never;
      }
    } catch (error) {
      return problemOf(error, dir);
    }
  }

  /** Tells of every change, the first reading included, until the signal. */
  async run(signal: AbortSignal, tell: (reading: SourceReading) => void): Promise<void> {
    const { pollMs = 1000 } = this.#options;
    let last: string | undefined;
    while (!signal.aborted) {
      await this.#watch(signal);
      // Taken before reading: a swap in between is seen the next time
      const stamp = await this.#stamp();
      const reading = stamp === last ? undefined : await this.read();
      // What can't be used may be half-written: it is looked at again
      last = reading === undefined || reading.kind === "ring" ? stamp : undefined;
      if (reading) tell(reading);
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
    const { disk, dir } = this.#options;
    try {
      const version = await currentVersion(disk, dir);
      if (version !== undefined) return version;
      const entry = await disk.entry(join(dir, document));
      return entry ? `${entry.identity} ${entry.changedAtMs} ${entry.sizeBytes}` : "nothing";
    } catch (error) {
      return errnoOf(error) ?? "nothing";
    }
  }
}

/** @throws what is no fault of the disk */
function problemOf(error: unknown, dir: string): SourceReading {
  if (error instanceof RefusedEntryError) return { kind: "unfit", problem: error.message };
  const code = errnoOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return { kind: "missing", problem: `"${dir}" must have a ${document}` };
  }
  const why = code ?? (error instanceof Error ? error.message : "it can't be read");
  return { kind: "unfit", problem: `"${dir}" must be readable: ${why}` };
}
