import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

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
  const { XDG_CACHE_HOME: cache = join(homedir(), ".cache") } = process.env;
  const path = join(cache, "keyturn", "debian", name, inPackage);
  try {
    if (!(await canRun(path))) await unpack(join(cache, "keyturn", "debian"), name);
    await access(path, constants.X_OK);
    return { path };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { missing: `${name} can't be had from Debian: ${text.trim().split("\n").at(-1) ?? text}` };
  }
}

const canRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Made beside its place, so that whoever finds it finds it whole. */
async function unpack(root: string, name: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const fresh = await mkdtemp(join(root, `${name}-`));
  try {
    await download(fresh, name);
    const file = (await readdir(fresh)).find((one) => one.endsWith(".deb")) ?? "";
    await execute("dpkg-deb", ["-x", join(fresh, file), join(fresh, "root")]);
    await rm(join(root, name), { recursive: true, force: true });
    await rename(join(fresh, "root"), join(root, name));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function download(into: string, name: string): Promise<void> {
  const options = { cwd: into, timeout: 120_000 };
  try {
    await execute("apt-get", ["download", name], options);
  } catch {
    // No lists yet, or old ones
    await execute("apt-get", ["update"], options);
    await execute("apt-get", ["download", name], options);
  }
}
