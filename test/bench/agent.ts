import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../hack/run.ts";
import { firstToken } from "./agent/first-token.ts";
import { loopbackLoad } from "./agent/loopback-load.ts";
import { manyIdentities } from "./agent/many-identities.ts";
import { proxiedLoad } from "./agent/proxied-load.ts";
import { registeredAndGone } from "./agent/registered.ts";
import type { FiguresBench } from "./figures.ts";

interface AgentSize {
  readonly rounds: number;
  readonly loadMs: number;
  readonly identities: number;
  readonly restMs: number;
  /** Until the process has given back what it gives back by itself. */
  readonly settleMs: number;
  readonly starts: number;
}

const full: AgentSize = {
  ...{ rounds: 7, loadMs: 2000, identities: 10_000 },
  ...{ restMs: 30_000, settleMs: 5000, starts: 15 },
};
const quick: AgentSize = { rounds: 1, loadMs: 100, identities: 50, restMs: 100, settleMs: 0, starts: 1 };

/** Linux only. */
export const agentBench: FiguresBench = {
  name: "agent",
  what: "tokens kept fresh beside applications: proxy, loopback, ten thousand identities, the first token",
  figures: async (isQuick) => {
    const size = isQuick ? quick : full;
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    try {
      return [
        ...(await proxiedLoad(folder, size)),
        ...(await loopbackLoad(folder, { rounds: size.rounds, ratePerSecond: 1000, forMs: size.loadMs })),
        ...(await manyIdentities(folder, size)),
        ...(await registeredAndGone(folder, size)),
        ...(await firstToken(folder, size)),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
