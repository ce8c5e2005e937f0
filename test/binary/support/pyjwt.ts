import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const requirement = "PyJWT[crypto]==2.15.1";
const execute = promisify(execFile);

/**
 * The Python of a virtual environment that has PyJWT, made at the first use in the user's cache; or why there is none.
 */
export async function pythonWithPyJwt(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const { XDG_CACHE_HOME: cache = join(homedir(), ".cache") } = process.env;
  const root = join(cache, "keyturn");
  const home = join(root, "pyjwt-2.15.1");
  const python = join(home, "bin", "python");
  try {
    if (!(await canImport(python))) await install(root, home);
    return { python };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { missing: `PyJWT can't be had: ${text.trim().split("\n").at(-1) ?? text}` };
  }
}

async function canImport(python: string): Promise<boolean> {
  const found = await access(python).then(
    () => true,
    () => false,
  );
  if (!found) return false;
  return execute(python, ["-c", "import jwt, cryptography"]).then(
    () => true,
    () => false,
  );
}

/** Made beside its place, so that whoever finds it finds it whole. */
async function install(root: string, home: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const fresh = await mkdtemp(join(root, "pyjwt-"));
  try {
    await execute("python3", ["-m", "venv", fresh]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement];
    await execute(join(fresh, "bin", "python"), pip, { timeout: 120_000 });
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
