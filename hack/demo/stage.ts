import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import type { RingHome } from "../../src/keeper/home.ts";
import { linesOf, startChild, type Child } from "./child.ts";
import { serveJwks } from "./jwks-server.ts";
import { startRotation } from "./rotation.ts";
import { demoConfig } from "./times.ts";
import { Tokens, type ClientReport } from "./tokens.ts";

const msBetweenTokens = 20;

/** Everything that runs: Keyturn on a directory, an application that signs, a client that verifies. */
export interface Stage {
  /** Has the directory of the keys, the config, the log. */
  readonly folder: string;
  readonly dir: string;
  readonly home: RingHome;
  readonly tokens: Tokens;
  /** Rejects when a part ends that should not. */
  readonly broken: Promise<never>;
  /** No more rotations, then no more tokens; resolves when the client has said its last word. */
  end(): Promise<void>;
}

/** A folder for the stage, which is whose who made it: it has private keys. */
export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "keyturn-demo-"));

/** @param folder - Empty */
export async function openStage(folder: string): Promise<Stage> {
  const dir = join(folder, "keys");
  const config = join(folder, "rotation.yaml");
  await writeFile(config, demoConfig);
  const rotation = startRotation({ dir, config, logFile: join(folder, "keyturn.log") });
  await Promise.race([rotation.published, rotation.broken]);
  const home = await directoryHome(dir, { clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } });
  const traffic = await startTraffic(dir);
  const { tokens, app, client } = traffic;
  return {
    ...{ folder, dir, home, tokens },
    broken: Promise.race([rotation.broken, app.broken, client.broken]),
    end: async () => {
      await rotation.stop();
      await traffic.end();
    },
  };
}

interface Traffic {
  readonly tokens: Tokens;
  readonly app: Child;
  readonly client: Child;
  /** Waits for a token of the key that signs at the end. */
  end(): Promise<void>;
}

async function startTraffic(dir: string): Promise<Traffic> {
  const server = await serveJwks(join(dir, "public"));
  const tokens = new Tokens();
  const app = startChild("app.ts", join(dir, "signer"), String(msBetweenTokens));
  const client = startChild("client.ts", server.url);
  app.output.pipe(client.input);
  const reports = linesOf(client);
  reports.on("line", (line) => {
    // Written by client.ts
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    tokens.take(JSON.parse(line) as ClientReport);
  });
  const end = async (): Promise<void> => {
    const kid = await readFile(join(dir, "signer", "kid"), "utf8");
    while (tokens.latestKid !== kid) await Promise.race([once(reports, "line"), client.broken]);
    for (const child of [app, client]) child.mayEnd();
    // Which ends the client's, too
    app.input.end();
    await Promise.all([app.ended, client.ended]);
    await server.close();
  };
  return { tokens, app, client, end };
}
