import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fill, inCache, lastWords } from "./cache.ts";

const requirement = "PyJWT[crypto]==2.15.1";
const execute = promisify(execFile);

/**
 * The Python of a virtual environment that has PyJWT, made at the first use in the user's cache; or why there is none.
 */
export async function pythonWithPyJwt(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const home = inCache("pyjwt-2.15.1");
  const python = join(home, "bin", "python");
  try {
    if (!(await canImport(python))) await fill(home, install);
    return { python };
  } catch (error) {
    return { missing: `PyJWT can't be had: ${lastWords(error)}` };
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

async function install(fresh: string): Promise<void> {
  await execute("python3", ["-m", "venv", fresh]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement];
  await execute(join(fresh, "bin", "python"), pip, { timeout: 120_000 });
}
