import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "../go.ts";

export { cacheFolder, isExecutable, type Say } from "../go.ts";

const folder = import.meta.dirname;

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

/** How many packages it has at most tells how far it is. */
async function compile(output: string, say: Say): Promise<void> {
  const { stdout } = await promisify(execFile)("go", ["list", "-deps", "."], { cwd: folder, maxBuffer: 1 << 24 });
  const total = stdout.trimEnd().split("\n").length;
  const flags = ["-trimpath", "-v", "-ldflags", linkerFlags(await kubernetesVersion()), "-o", output];
  const progress = (compiled: number): string => `compiled ${compiled} of at most ${total} packages`;
  await runGo({ what: "the control plane", args: ["build", ...flags, "."], cwd: folder, progress }, say);
}

/** The path of the control plane's binary, built first where it is missing: about five minutes on two cores, 20 s when Go's own cache is warm. */
export async function ensureBinary(say: Say): Promise<string> {
  const name = `Kubernetes ${await kubernetesVersion()}`;
  return madeOnce({ path: await binaryPath(), name, make: (output) => compile(output, say) }, say);
}
