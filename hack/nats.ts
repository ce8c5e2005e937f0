// A nats-server as its users have it: `node hack/nats.ts` builds it and says where it is.
import { dirname, join } from "node:path";
import { cacheFolder, isExecutable, madeOnce, runGo, type Say } from "./go.ts";
import { programOnPath } from "./testcluster/build.ts";

const version = "v2.15.2";
const path = join(cacheFolder(), `nats-server-${version}`, "nats-server");

/** Why there is no nats-server here and none can be built, in one line, or undefined. Quick: nothing is built. */
export function natsNeeds(): string | undefined {
  return isExecutable(path) || programOnPath("go") !== undefined ? undefined : "no nats-server: install Go";
}

/** The path of a nats-server, built once, into the cache: a minute or two on two cores. */
export const natsServer = (say: Say = () => undefined): Promise<string> =>
  madeOnce({ path, name: `nats-server ${version}`, make: (output) => install(output, say) }, say);

/** Has it, built if it must be and can be: before any test waits for it. */
export async function buildNats(say: Say): Promise<void> {
  if (natsNeeds() === undefined) await natsServer(say);
}

async function install(output: string, say: Say): Promise<void> {
  await runGo(
    {
      what: `nats-server ${version}`,
      args: [
        "install",
        "-trimpath",
        "-v",
        "-p",
        "1",
        "-ldflags",
        "-s -w",
        `github.com/nats-io/nats-server/v2@${version}`,
      ],
      env: { GOBIN: dirname(output) },
      progress: (compiled) => `compiled ${compiled} packages`,
    },
    say,
  );
}

if (import.meta.main) console.log(await natsServer((line) => console.error(line)));
