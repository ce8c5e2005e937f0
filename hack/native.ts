// Compiles what of Keyturn is not JavaScript: signatures by the OpenSSL of Node.js.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNative, nativeFile } from "../src/native/load.ts";
import type { Signatures } from "../src/jwt/signatures.ts";
import { root, run } from "./run.ts";
import { programOnPath } from "./testcluster/build.ts";

const compiler = process.env["CC"] ?? "cc";
const hardened: readonly string[] =
  process.platform === "linux"
    ? ["-fstack-clash-protection", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"]
    : [];
const optimized: readonly string[] = ["-std=c11", "-O2", "-fstack-protector-strong", ...hardened];
const warnings: readonly string[] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const shared: readonly string[] = ["-shared", "-fPIC", "-fvisibility=hidden"];
/** Node.js has what is not found here when it loads the file. */
const linking: readonly string[] = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
const sourceFolder = join(root, "src/native");

/** Why nothing can be compiled here, or undefined. */
export function nativeNeeds(): string | undefined {
  if (programOnPath(compiler) !== undefined) return undefined;
  return `no C compiler: "${compiler}" is not on PATH (CC names another)`;
}

/** Compiles into the folder, for this machine, and returns the file's path. @throws Error with what the compiler says */
export async function compileNative(folder: string, ...more: readonly string[]): Promise<string> {
  const path = join(folder, nativeFile);
  const headers = ["-isystem", join(root, "node_modules/node-api-headers/include")];
  const sources = ["signatures.c", "key.c", ...parts].map((name) => join(sourceFolder, name));
  await compile(path, ...optimized, ...shared, ...more, ...headers, ...sources, ...linking);
  return path;
}

/** What is done without Node.js and OpenSSL. */
const parts: readonly string[] = ["base64url.c", "ecdsa.c"];

/** A program of this source that calls {@link parts}, and ends when it touches memory that is not its own. */
export async function compileSanitized(folder: string, source: string): Promise<string> {
  const path = join(folder, "sanitized");
  const sanitizers = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  await compile(
    path,
    "-std=c11",
    ...sanitizers,
    "-I",
    sourceFolder,
    source,
    ...parts.map((name) => join(sourceFolder, name)),
  );
  return path;
}

async function compile(path: string, ...args: readonly string[]): Promise<void> {
  const { code, output } = await run([compiler, ...warnings, ...args, "-o", path]);
  if (code !== 0) throw new Error(`Cannot compile ${path}:\n${output}`);
}

/** Compiled and loaded; nothing is left of it on the disk. @throws Error where that can't be done */
export async function nativeSignatures(): Promise<Signatures> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-native-"));
  try {
    return loadNative(await compileNative(folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}
