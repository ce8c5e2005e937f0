import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Takes a line for people: what is being done, and how far it is. */
export type Say = (line: string) => void;

const folder = import.meta.dirname;

/** Where a person's or a machine's things of Keyturn lie that can be made again. */
export const cacheFolder = (): string => join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "keyturn");

/** The Kubernetes release that go.mod names: `v1.35.4`. */
export async function kubernetesVersion(): Promise<string> {
  const [, version] =
    /^\s*(?:require )?k8s\.io\/kubernetes (v\S+)$/m.exec(await readFile(join(folder, "go.mod"), "utf8")) ?? [];
  if (version === undefined) throw new Error("Cannot build the control plane: go.mod must require k8s.io/kubernetes");
  return version;
}

/** Where the binary lies, built or not: another version, source or set of modules is another path. */
export async function binaryPath(): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch} ${await kubernetesVersion()}`);
  for (const file of ["go.sum", "main.go"]) hash.update(await readFile(join(folder, file)));
  return join(cacheFolder(), "testcluster", hash.digest("hex").slice(0, 16), "testcluster");
}

/** True for a file that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program that PATH leads to. */
export const programOnPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((each) => join(each, name))
    .find(isExecutable);

/** Go's linker puts the release into the server's version; without it Helm and others take the server for v0.0.0. */
function linkerFlags(version: string): string {
  const [, major = "", minor = ""] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const assignments = Object.entries(variables).map(([name, is]) => `-X k8s.io/component-base/version.${name}=${is}`);
  return ["-s", "-w", ...assignments].join(" ");
}

/** Go says each package's name when it has compiled it; nothing of those in its own cache. */
async function compile(output: string, say: Say): Promise<void> {
  const { stdout } = await promisify(execFile)("go", ["list", "-deps", "."], { cwd: folder, maxBuffer: 1 << 24 });
  const total = stdout.trimEnd().split("\n").length;
  const flags = ["-trimpath", "-v", "-ldflags", linkerFlags(await kubernetesVersion()), "-o", output];
  const child = spawn("go", ["build", ...flags, "."], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const progress = setInterval(() => say(`  compiled ${lines.length} of at most ${total} packages`), 15_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(progress);
  if (code !== 0)
    throw new Error(`Cannot build the control plane: go build must succeed\n${lines.slice(-20).join("\n")}`);
}

/**
 * The path of the control plane's binary, built first where it is missing: about five minutes on two cores, 20 s when Go's
 * own cache is warm. Two builders at once don't harm each other: each builds its own, and the last one's stays.
 */
export async function ensureBinary(say: Say): Promise<string> {
  const path = await binaryPath();
  if (isExecutable(path)) return path;
  const parent = dirname(path);
  await mkdir(parent, { recursive: true });
  const own = await mkdtemp(join(parent, "building-"));
  try {
    const startedAt = performance.now();
    say(`Building Kubernetes ${await kubernetesVersion()} into ${path}: once, some minutes`);
    await compile(join(own, "testcluster"), say);
    await rename(join(own, "testcluster"), path);
    say(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return path;
}
