import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxiedLoad } from "./agent/proxied-load.ts";
import type { FiguresBench } from "./figures.ts";

export const agentBench: FiguresBench = {
  name: "agent",
  what: "tokens kept fresh beside applications: the proxy",
  figures: async (isQuick) => {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    try {
      return [...(await proxiedLoad(folder, isQuick ? { rounds: 1, loadMs: 100 } : { rounds: 7, loadMs: 2000 }))];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
