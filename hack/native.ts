// Builds what of Keyturn is not JavaScript, once into the cache: signatures by AWS-LC, in Rust (src/native).
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { nodeSignatures } from "../src/jwt/node-signatures.ts";
import type { Signatures } from "../src/jwt/signatures.ts";
import { loadNative, signaturesOf } from "../src/native/load.ts";
import { cacheFolder, madeOnce, type Say } from "./go.ts";
import { type Licensed, licencesOf } from "./licences.ts";
import { root } from "./run.ts";
import { programOnPath } from "./testcluster/build.ts";

const sourceFolder = join(root, "src/native");
const cache = join(cacheFolder(), "native");

/** Why nothing can be built here, or undefined. */
export function nativeNeeds(): string | undefined {
  const missing = ["cargo", "cc"].filter((name) => programOnPath(name) === undefined);
  return missing.length === 0 ? undefined : `no ${missing.join(" and ")} on PATH: needs Rust and a C compiler`;
}

export interface NativeFiles {
  /** What {@link loadNative} takes. */
  readonly library: string;
  /** The licences of all that is in it. */
  readonly licences: string;
}

/** How long a test's hook may wait for a build on a busy machine. */
export const nativeBuildMs = 15 * 60_000;

/** For this machine, built first where it is missing: a minute on two cores. @throws Error with what cargo says */
export async function ensureNative(say: Say): Promise<NativeFiles> {
  const folder = join(cache, await sourceHash());
  const licences = join(folder, "LICENSES");
  const make = async (output: string): Promise<void> => {
    await copyFile(await build(), output);
    await writeFile(licences, await licencesOf(await nativeCrates()));
  };
  const library = await madeOnce({ path: join(folder, "signatures.node"), name: "native signatures", make }, say);
  return { library, licences };
}

/** Another machine, source or version of a crate is another path. */
async function sourceHash(): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  const names = (await readdir(sourceFolder)).filter((name) => /\.(?:rs|toml|lock)$/.test(name)).sort();
  for (const name of [...names, ".cargo/config.toml"])
    hash.update(name).update(await readFile(join(sourceFolder, name)));
  return hash.digest("hex").slice(0, 16);
}

/** The crates stay: when our own source changes, a second build takes seconds. */
export const nativeTarget = join(cache, "target");

async function build(): Promise<string> {
  await cargo("build", "--release");
  return join(
    nativeTarget,
    "release",
    process.platform === "darwin" ? "libkeyturn_native.dylib" : "libkeyturn_native.so",
  );
}

async function cargo(command: string, ...args: readonly string[]): Promise<string> {
  // In the folder whose .cargo/config.toml it is to read
  const options = { cwd: sourceFolder, env: { ...process.env, CARGO_TARGET_DIR: nativeTarget }, maxBuffer: 1 << 28 };
  try {
    return (await promisify(execFile)("cargo", [command, "--locked", ...args], options)).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trimEnd().split("\n") : [];
    throw new Error(`Cannot build native signatures: cargo ${command} must succeed\n${said.slice(-20).join("\n")}`);
  }
}

interface Crate {
  readonly name: string;
  readonly version: string;
  readonly license: string | null;
  readonly manifest_path: string;
  /** Null for our own. */
  readonly source: string | null;
}

/** Every crate that src/native may be built with, on any machine. */
export async function nativeCrates(): Promise<readonly Licensed[]> {
  const metadata = await cargo("metadata", "--format-version=1");
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the format that was asked for
  const { packages } = JSON.parse(metadata) as { readonly packages: readonly Crate[] };
  return packages
    .filter(({ source }) => source !== null)
    .map(({ name, version, license, manifest_path: manifest }) => {
      return { name, version, license: license ?? "see its files", folder: dirname(manifest) };
    });
}

/** Loaded; keys that it does not take go to the others. @throws Error where it can't be built */
export async function nativeSignatures(otherwise: Signatures = nodeSignatures): Promise<Signatures> {
  const { library } = await ensureNative(() => undefined);
  return signaturesOf(loadNative(library), otherwise);
}

/** For {@link Suite.builds}: where nothing can be built, the tests say so. */
export async function buildNative(say: Say): Promise<void> {
  if (nativeNeeds() === undefined) await ensureNative(say);
}

if (import.meta.main) console.log((await ensureNative((line) => console.error(line))).library);
