import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fill, inCache, lastWords } from "./cache.ts";

const execute = promisify(execFile);

/** Packages for Python, with their versions. */
export interface PythonPackages {
  /** Of the folder in the cache: another version, another name. */
  readonly name: string;
  /** As pip takes them: `PyJWT[crypto]==2.15.1`. */
  readonly requirements: readonly string[];
  /** Names of modules that must be there. */
  readonly modules: readonly string[];
}

/** The folder of programs of a virtual environment that has them, made at the first use in the user's cache; or why there is none. */
export async function pythonWith(
  packages: PythonPackages,
): Promise<{ readonly python: string; readonly bin: string } | { readonly missing: string }> {
  const bin = join(inCache(packages.name), "bin");
  const python = join(bin, "python");
  try {
    if (!(await canImport(python, packages))) await fill(inCache(packages.name), (fresh) => install(fresh, packages));
    return { python, bin };
  } catch (error) {
    return { missing: `${packages.requirements.join(", ")} can't be had: ${lastWords(error)}` };
  }
}

async function canImport(python: string, { modules }: PythonPackages): Promise<boolean> {
  const found = await access(python).then(
    () => true,
    () => false,
  );
  if (!found) return false;
  return execute(python, ["-c", `import ${modules.join(", ")}`]).then(
    () => true,
    () => false,
  );
}

async function install(fresh: string, { requirements }: PythonPackages): Promise<void> {
  await execute("python3", ["-m", "venv", fresh]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements];
  await execute(join(fresh, "bin", "python"), pip, { timeout: 120_000 });
}
