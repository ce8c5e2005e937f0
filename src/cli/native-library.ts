import { createRequire } from "node:module";
import { join } from "node:path";
import { nodeSignatures } from "../jwt/node-signatures.ts";
import type { Signatures } from "../jwt/signatures.ts";
import { libcs, loadNative, nativeFile, type NativeLibrary, nativePackage, signaturesOf } from "../native/load.ts";
import { UsageError } from "./report-error.ts";
import type { WantedSignatures } from "./signatures-flag.ts";

/** Put in by hack/bundle.ts: the folder of the program. */
declare const KEYTURN_FOLDER: string | undefined;

/**
 * The native ones where the program brings some that load, unless those of node:crypto are wanted.
 *
 * @param from - The URL of a file: packages are looked for from there
 * @throws UsageError when native ones are wanted, and none load
 */
export function signaturesHere(wanted: WantedSignatures | undefined, from = import.meta.url): Signatures {
  if (wanted === "node") return nodeSignatures;
  const library = libraryHere(from);
  if (typeof library !== "string") return signaturesOf(library, nodeSignatures);
  if (wanted === undefined) return nodeSignatures;
  throw new UsageError(`Cannot use --signatures "native": must be "node" on this machine, ${library}`);
}

/** No core dump is to have the keys and tokens of this process. True where that holds now: it needs the native library. */
export function keepMemoryPrivate(from = import.meta.url): boolean {
  const library = libraryHere(from);
  return typeof library !== "string" && library.keepMemoryPrivate();
}

/** Or why there is none. */
function libraryHere(from: string): NativeLibrary | string {
  const failures: string[] = [];
  for (const find of places(from)) {
    try {
      return loadNative(find());
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return failures.join("; ");
}

/** Beside the program of the image; or in the package that npm chose for this machine. */
function places(from: string): readonly (() => string)[] {
  if (typeof KEYTURN_FOLDER !== "undefined") return [() => join(KEYTURN_FOLDER, nativeFile())];
  const { resolve } = createRequire(from);
  return libcs.map((libc) => () => resolve(`${nativePackage(libc)}/signatures.node`));
}
