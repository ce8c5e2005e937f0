// Helm as its users have it, both kinds: `node hack/helm.ts` builds them and says where they are.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

/** The kinds of Helm that the chart is for. */
export const helmMajors = [3, 4] as const;
export type HelmMajor = (typeof helmMajors)[number];

/** What is built where nobody names another. */
const versions: Readonly<Record<HelmMajor, string>> = { 3: "v3.22.0", 4: "v4.3.1" };

const variableOf = (major: HelmMajor): string => `KEYTURN_HELM${major}`;
const moduleOf = (major: HelmMajor): string => `helm.sh/helm/v${major}`;
const pathOf = (major: HelmMajor): string => join(cacheFolder(), `helm-${versions[major]}`, "helm");

/** Why there is no Helm of this kind here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function helmNeeds(): string | undefined {
  const missing = helmMajors.filter((major) => !process.env[variableOf(major)] && !isExecutable(pathOf(major)));
  if (missing.length === 0 || programOnPath("go") !== undefined) return undefined;
  return `no Helm ${missing.join(" and ")}: install Go, or name ${missing.map(variableOf).join(" and ")}`;
}

/**
 * The path of a Helm: the one that KEYTURN_HELM3 or KEYTURN_HELM4 names, else one that is built once, into the cache: some
 * minutes on two cores.
 *
 * @param say - Takes the progress, for people. @default nothing is said
 */
export async function helm(major: HelmMajor, say: Say = () => undefined): Promise<string> {
  const named = process.env[variableOf(major)];
  if (named === undefined || named === "") {
    const make = (output: string): Promise<void> => install(major, output, say);
    return madeOnce({ path: pathOf(major), name: `Helm ${versions[major]}`, make }, say);
  }
  if (!isExecutable(named)) throw new Error(`Cannot use ${variableOf(major)}: must be a program, is "${named}"`);
  return named;
}

/** Has both kinds, built if they must be. */
export async function buildHelms(say: Say): Promise<void> {
  for (const major of helmMajors) await helm(major, say);
}

async function install(major: HelmMajor, output: string, say: Say): Promise<void> {
  const flags = ["-trimpath", "-v", "-p", "2", "-ldflags", await linkerFlags(major)];
  await runGo(
    {
      what: `Helm ${versions[major]}`,
      args: ["install", ...flags, `${moduleOf(major)}/cmd/helm@${versions[major]}`],
      env: { GOBIN: dirname(output) },
      progress: (compiled) => `compiled ${compiled} packages`,
    },
    say,
  );
}

/**
 * As Helm's own Makefile. Helm 3 takes the Kubernetes release that `helm template` and `helm lint` suppose from there, and
 * supposes 1.20 without it; Helm 4 reads it off its modules.
 */
async function linkerFlags(major: HelmMajor): Promise<string> {
  const set = (name: string, value: string): string => `-X ${moduleOf(major)}/${name}=${value}`;
  const flags = ["-s", "-w", set("internal/version.version", versions[major])];
  if (major === 4) return flags.join(" ");
  const minor = await kubernetesMinor(major);
  for (const part of ["pkg/chartutil", "pkg/lint/rules"])
    flags.push(set(`${part}.k8sVersionMajor`, "1"), set(`${part}.k8sVersionMinor`, minor));
  return flags.join(" ");
}

/** `37` for client-go v0.37.0. */
async function kubernetesMinor(major: HelmMajor): Promise<string> {
  const args = ["mod", "download", "-json", `${moduleOf(major)}@${versions[major]}`];
  const { stdout } = await promisify(execFile)("go", args, { cwd: tmpdir() });
  const [, file = ""] = /"GoMod": "([^"]+)"/.exec(stdout) ?? [];
  const [, minor] = /^\s*k8s\.io\/client-go v0\.(\d+)\./m.exec(await readFile(file, "utf8")) ?? [];
  if (minor === undefined) throw new Error(`Cannot build Helm ${versions[major]}: it must require k8s.io/client-go`);
  return minor;
}

if (import.meta.main) {
  for (const major of helmMajors) console.log(await helm(major, (line) => console.error(line)));
}
