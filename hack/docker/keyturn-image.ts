import { join } from "node:path";
import { root, run } from "../run.ts";
import type { Say } from "../testcluster/build.ts";
import { docker, registryAnswers } from "./images.ts";
import { ensureRuntimeBase } from "./runtime-base.ts";

/** The image of Keyturn as it stands in the tree: what `npm run bundle` and the Dockerfile make of it. */
export const keyturnImage = { repository: "keyturn-test/keyturn", tag: "local" } as const;

const label = "keyturn.dev/test-image=keyturn";

/** Builds it, on what a registry has or on what this machine has; returns its name. */
export async function buildKeyturnImage(say: Say): Promise<string> {
  const name = `${keyturnImage.repository}:${keyturnImage.tag}`;
  say(`Building ${name}`);
  const { code, output } = await run(["npm", "run", "--silent", "bundle"]);
  if (code !== 0) throw new Error(`Cannot bundle Keyturn:\n${output}`);
  const base = (await registryAnswers()) ? undefined : await ensureRuntimeBase(say);
  const args = base === undefined ? [] : ["--build-arg", `BASE=${base}`, "--build-arg", `NODE_IMAGE=${base}`];
  await docker("build", ...args, "--label", label, "--tag", name, "--file", join(root, "Dockerfile"), root);
  // What the name stood for before
  await docker("image", "prune", "--force", "--filter", `label=${label}`);
  return name;
}
