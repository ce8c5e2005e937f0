// Centrifugo, whose connections ours are measured against: `node hack/centrifugo.ts` builds it and says where it is.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const version = "v6.9.1";
const path = join(cacheFolder(), `centrifugo-${version}`, "centrifugo");

const goMod = `module keyturn.dev/bench/centrifugo

go 1.26

require github.com/centrifugal/centrifugo/v6 ${version}
`;

/** Why there is no Centrifugo here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function centrifugoNeeds(): string | undefined {
  return isExecutable(path) || programOnPath("go") !== undefined ? undefined : "no Centrifugo: install Go";
}

/** The path of Centrifugo, which is built once, into the cache: some minutes on two cores. */
export const centrifugo = (say: Say): Promise<string> =>
  madeOnce({ path, name: `Centrifugo ${version}`, make: (output) => build(output, say) }, say);

async function build(output: string, say: Say): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "keyturn-centrifugo-"));
  try {
    await writeFile(join(cwd, "go.mod"), goMod);
    const args = [
      "build",
      "-mod=mod",
      "-trimpath",
      "-v",
      "-p",
      "2",
      "-o",
      output,
      "github.com/centrifugal/centrifugo/v6",
    ];
    await runGo(
      { what: `Centrifugo ${version}`, args, cwd, progress: (compiled) => `compiled ${compiled} packages` },
      say,
    );
  } finally {
    await rm(cwd, { recursive: true });
  }
}

if (import.meta.main) console.log(await centrifugo(console.error));
