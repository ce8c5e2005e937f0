// Compiles what of Keyturn is not JavaScript: signatures by the OpenSSL of Node.js.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNative, nativeFile } from "../src/native/load.ts";
import type { Signatures } from "../src/jwt/signatures.ts";
import { root, run } from "./run.ts";
import { programOnPath } from "./testcluster/build.ts";

const compiler = process.env["CC"] ?? "cc";
const flags: readonly string[] = [
  "-std=c11",
  "-O2",
  "-shared",
  "-fPIC",
  "-fvisibility=hidden",
  "-fstack-protector-strong",
];
const warnings: readonly string[] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/** Node.js has what is not found here when it loads the file. */
const linking: readonly string[] = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];

/** Why nothing can be compiled here, or undefined. */
export function nativeNeeds(): string | undefined {
  if (programOnPath(compiler) !== undefined) return undefined;
  return `no C compiler: "${compiler}" is not on PATH (CC names another)`;
}

/** Compiles into the folder, for this machine, and returns the file's path. @throws Error with what the compiler says */
export async function compileNative(folder: string, ...more: readonly string[]): Promise<string> {
  const path = join(folder, nativeFile);
  const headers = ["-isystem", join(root, "node_modules/node-api-headers/include")];
  const source = join(root, "src/native/signatures.c");
  const { code, output } = await run([
    compiler,
    ...flags,
    ...warnings,
    ...more,
    ...headers,
    source,
    "-o",
    path,
    ...linking,
  ]);
  if (code !== 0) throw new Error(`Cannot compile ${source}:\n${output}`);
  return path;
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
