import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { helm } from "../../../hack/helm.ts";
import { names } from "./names.ts";

const exec = promisify(execFile);

/** What Helm needs to know of the cluster, and a folder for values. */
export interface HelmHome {
  readonly folder: string;
  readonly kubeConfigFile: string;
}

/** Runs Helm on the release's namespace. @throws Error with what it said */
export async function runHelm(home: HelmHome, ...args: readonly string[]): Promise<string> {
  const flags = ["--kubeconfig", home.kubeConfigFile];
  if (!args.includes("--namespace")) flags.push("--namespace", names.system);
  try {
    const { stdout } = await exec(await helm(4), [...args, ...flags], { maxBuffer: 1 << 24 });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw new Error(`Cannot run helm ${args.slice(0, 2).join(" ")}: ${said.trimEnd()}`, { cause: error });
  }
}

/** `helm upgrade --install` of a chart with these values; waits until the release's hooks are done. */
export async function upgrade(home: HelmHome, chart: string, values: object): Promise<void> {
  const file = join(home.folder, "values.yaml");
  await writeFile(file, stringify(values));
  const flags = ["--create-namespace", "--wait", "--timeout", "5m"];
  await runHelm(home, "upgrade", "--install", names.release, chart, "--values", file, ...flags);
}

/** The same for the issuer's release, beside the application. */
export async function installIssuer(home: HelmHome, chart: string, values: object): Promise<void> {
  const file = join(home.folder, "issuer-values.yaml");
  await writeFile(file, stringify(values));
  const flags = ["--namespace", names.namespace, "--wait", "--timeout", "5m"];
  await runHelm(home, "install", names.issuer, chart, "--values", file, ...flags);
}

/** The chart as it would be released under another version. */
export async function packageChart(home: HelmHome, chart: string, version: string): Promise<string> {
  await exec(await helm(4), ["package", chart, "--version", version, "--destination", home.folder]);
  return join(home.folder, `keyturn-${version}.tgz`);
}

export const helmVersion = async (): Promise<string> =>
  (await exec(await helm(4), ["version", "--template", "{{.Version}}"])).stdout.trim();
