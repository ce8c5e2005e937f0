// cert-manager, beside which the controller is measured: `node hack/cert-manager.ts` builds it and says where it is.
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { execFile } from "node:child_process";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const version = "v1.21.2";
const modulePath = "github.com/cert-manager/cert-manager";
const main = join(import.meta.dirname, "cert-manager/main.go");

/** The versions of all else are those that cert-manager's own go.mod names. */
const goMod = `module keyturn.dev/bench/cert-manager

go 1.26.0

require ${modulePath} ${version}
`;

export const certManagerName = `cert-manager ${version}`;

/** Why there is no cert-manager here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function certManagerNeeds(): string | undefined {
  return programOnPath("go") === undefined ? "no cert-manager: install Go" : undefined;
}

/** The path of the program, which is built once, into the cache: some minutes on two cores. */
export async function certManager(say: Say): Promise<string> {
  const hash = createHash("sha256").update(await readFile(main));
  const path = join(cacheFolder(), `cert-manager-${version}-${hash.digest("hex").slice(0, 8)}`, "controller");
  if (isExecutable(path)) return path;
  return madeOnce({ path, name: certManagerName, make: (output) => build(output, say) }, say);
}

/** The folder of its custom resource definitions, in the module. */
export async function certManagerCrds(): Promise<string> {
  const args = ["mod", "download", "-json", `${modulePath}@${version}`];
  const { stdout } = await promisify(execFile)("go", args, { cwd: tmpdir() });
  const [, folder] = /"Dir": "([^"]+)"/.exec(stdout) ?? [];
  if (folder === undefined) throw new Error(`Cannot find ${certManagerName}: Go must say where the module is`);
  return join(folder, "deploy/crds");
}

async function build(output: string, say: Say): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "keyturn-cert-manager-"));
  try {
    await writeFile(join(cwd, "go.mod"), goMod);
    await copyFile(main, join(cwd, "main.go"));
    const args = ["build", "-mod=mod", "-trimpath", "-v", "-p", "2", "-ldflags", "-s -w", "-o", output, "."];
    await runGo({ what: certManagerName, args, cwd, progress: (compiled) => `compiled ${compiled} packages` }, say);
  } finally {
    await rm(cwd, { recursive: true });
  }
}

if (import.meta.main) console.log(await certManager(console.error));
