// Kustomize as its users have it: `node hack/kustomize.ts` builds it and says where it is. The one within kubectl runs no programs.
import { dirname, join } from "node:path";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const version = "v5.7.1";
const path = join(cacheFolder(), `kustomize-${version}`, "kustomize");

/** Why there is no kustomize here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function kustomizeNeeds(): string | undefined {
  return isExecutable(path) || programOnPath("go") !== undefined ? undefined : "no kustomize: install Go";
}

/** The path of a kustomize, built once, into the cache: half a minute on two cores. */
export const kustomize = (say: Say = () => undefined): Promise<string> =>
  madeOnce({ path, name: `kustomize ${version}`, make: (output) => install(output, say) }, say);

/** Has it, built if it must be and can be: before any test waits for it. */
export async function buildKustomize(say: Say): Promise<void> {
  if (kustomizeNeeds() === undefined) await kustomize(say);
}

async function install(output: string, say: Say): Promise<void> {
  await runGo(
    {
      what: `kustomize ${version}`,
      args: ["install", "-trimpath", "-v", "-p", "2", `sigs.k8s.io/kustomize/kustomize/v5@${version}`],
      env: { GOBIN: dirname(output) },
      progress: (compiled) => `compiled ${compiled} packages`,
    },
    say,
  );
}

if (import.meta.main) console.log(await kustomize((line) => console.error(line)));
