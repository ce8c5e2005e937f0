// Programs that a machine builds from Go source once, into its cache: Kubernetes' control plane, Helm.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** Takes a line for people: what is being done, and how far it is. */
export type Say = (line: string) => void;

/** Where a person's or a machine's things of Keyturn lie that can be made again. */
export const cacheFolder = (): string => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "keyturn");

/** True for a file that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface GoCommand {
  /** For the error: `the control plane`. */
  readonly what: string;
  /** With `-v`, so that it says each package. */
  readonly args: readonly string[];
  /** @default the folder for temporary files, where no go.mod has a say */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How far it is, by the packages compiled so far. Go names nothing that its own cache has. */
  readonly progress: (compiled: number) => string;
}

/** Runs Go and says every 15 s how far it is. @throws Error with the last that Go said */
export async function runGo({ what, args, cwd = tmpdir(), env, progress }: GoCommand, say: Say): Promise<void> {
  const child = spawn("go", args, {
    cwd,
    env: { ...process.env, ...env, CGO_ENABLED: "0" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const compiled = (): number => lines.filter((line) => !line.startsWith("go: ")).length;
  const timer = setInterval(() => say(`  ${progress(compiled())}`), 15_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (code !== 0)
      throw new Error(`Cannot build ${what}: go ${args[0] ?? ""} must succeed\n${lines.slice(-20).join("\n")}`);
  } finally {
    clearInterval(timer);
  }
}

export interface Program {
  /** Where it belongs in the cache. */
  readonly path: string;
  /** For people: `Kubernetes v1.35.4`. */
  readonly name: string;
  /** Makes it there, in a folder that nobody else has. */
  readonly make: (output: string) => Promise<void>;
}

/** The program's path, made first where it is missing. Two makers at once don't harm each other: the last one's stays. */
export async function madeOnce({ path, name, make }: Program, say: Say): Promise<string> {
  if (isExecutable(path)) return path;
  const parent = dirname(path);
  await mkdir(parent, { recursive: true });
  const own = await mkdtemp(join(parent, "building-"));
  try {
    const startedAt = performance.now();
    say(`Building ${name} into ${path}: once, some minutes`);
    await make(join(own, basename(path)));
    await rename(join(own, basename(path)), path);
    say(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return path;
}

export interface GoFolder {
  /** With main.go, go.mod and go.sum. */
  readonly folder: string;
  readonly program: string;
  /** For people. */
  readonly name: string;
}

/** The path of the program of a folder, built once for what stands in it, into the cache. */
export async function builtFrom({ folder, program, name }: GoFolder, say: Say): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["go.sum", "main.go"]) hash.update(await readFile(join(folder, file)));
  const path = join(cacheFolder(), program, hash.digest("hex").slice(0, 16), program);
  const args = ["build", "-trimpath", "-v", "-p", "2", "-ldflags", "-s -w", "-o"];
  const progress = (compiled: number): string => `compiled ${compiled} packages`;
  const make = (output: string): Promise<void> =>
    runGo({ what: name, args: [...args, output, "."], cwd: folder, progress }, say);
  return madeOnce({ path, name, make }, say);
}
