import { access } from "node:fs/promises";
import { join } from "node:path";
import { save } from "../../binary/support/keyturn.ts";
import { fill, inCache, lastWords } from "../../binary/support/cache.ts";
import { unpackDebian } from "../../binary/gateway/programs.ts";

/** Where Debian's package has it. */
const inPackage = `usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/faketime/libfaketime.so.1`;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * The library that sets a process's clock: the machine's, or Debian's, unpacked into the user's cache at the first use.
 *
 * @returns its path, or why it can't be had
 */
export async function faketimeLibrary(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const place = inCache("debian", "libfaketime");
  const paths = [`/${inPackage}`, join(place, inPackage)];
  try {
    for (const path of paths) if (await isThere(path)) return { path };
    await fill(place, (fresh) => unpackDebian(fresh, "libfaketime"));
    await access(paths[1] ?? "");
    return { path: paths[1] ?? "" };
  } catch (error) {
    return { missing: `libfaketime can't be had from Debian: ${lastWords(error)}` };
  }
}

/** The clock of one process, which a trouble sets; the monotonic one goes on as it is. */
export class FakeClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(library: string, file: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      // Seconds until a change of the file is noticed
      FAKETIME_CACHE_DURATION: "1",
    };
  }

  static async at(library: string, file: string): Promise<FakeClock> {
    const clock = new FakeClock(library, file);
    await clock.set(0);
    return clock;
  }

  /** So far ahead of the machine's, or behind it. */
  set(seconds: number): Promise<void> {
    return save(this.#file, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
  }
}
