// Ory Hydra, whose renewals ours are measured against: `node hack/hydra.ts` builds it and says where it is.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const version = "v2.3.0";
const path = join(cacheFolder(), `hydra-${version}`, "hydra");

/** Its own go.mod replaces the library by this one; what is built as a dependency has to say it again. */
const goMod = `module keyturn.dev/bench/hydra

go 1.26

require github.com/ory/hydra/v2 ${version}

replace github.com/gobuffalo/pop/v6 => github.com/ory/pop/v6 v6.2.1-0.20241121111754-e5dfc0f3344b
`;

/** Why there is no Hydra here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function hydraNeeds(): string | undefined {
  return isExecutable(path) || programOnPath("go") !== undefined ? undefined : "no Hydra: install Go";
}

/** The path of Hydra, which is built once, into the cache: some minutes on two cores. */
export const hydra = (say: Say): Promise<string> =>
  madeOnce({ path, name: `Ory Hydra ${version}`, make: (output) => build(output, say) }, say);

async function build(output: string, say: Say): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "keyturn-hydra-"));
  try {
    await writeFile(join(cwd, "go.mod"), goMod);
    const args = ["build", "-mod=mod", "-trimpath", "-v", "-p", "2", "-o", output, "github.com/ory/hydra/v2"];
    await runGo(
      { what: `Ory Hydra ${version}`, args, cwd, progress: (compiled) => `compiled ${compiled} packages` },
      say,
    );
  } finally {
    await rm(cwd, { recursive: true });
  }
}

if (import.meta.main) console.log(await hydra(console.error));
