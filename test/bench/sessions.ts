import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../hack/run.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { cores, moveTo } from "./renewals/pinned.ts";
import { accepts, type AcceptSize } from "./sessions/accepts.ts";
import { ends, type EndSize } from "./sessions/ends.ts";
import { memoryOf, type MemorySize } from "./sessions/memory.ts";
import { reconnects, type ReconnectSize } from "./sessions/reconnects.ts";
import { besideRivals } from "./sessions/rivals.ts";
import { messages, type MessageSize } from "./sessions/messages.ts";

interface Size {
  readonly accepts: AcceptSize;
  readonly memory: MemorySize;
  readonly ends: EndSize;
  readonly messages: MessageSize;
  readonly reconnects: ReconnectSize;
}

const full: Size = {
  accepts: { rounds: 7, accepts: 2000, betweenMs: 1500 },
  memory: { sessions: 10_000, restMs: 5000 },
  ends: { sessions: 10_000, spreadSeconds: 20 },
  messages: { sessions: 1000, ratePerSecond: 1000, forMs: 10_000 },
  reconnects: { clients: 500, messages: 60, lifeSeconds: 30 },
};
const quick: Size = {
  accepts: { rounds: 1, accepts: 20, betweenMs: 10 },
  memory: { sessions: 20, restMs: 10 },
  ends: { sessions: 20, spreadSeconds: 1 },
  messages: { sessions: 10, ratePerSecond: 200, forMs: 200 },
  reconnects: { clients: 5, messages: 5, lifeSeconds: 2 },
};

/** Linux only. */
export const sessionsBench: FiguresBench = {
  name: "sessions",
  what: "long-lived connections to the program of the image on one core; clients, each on a connection of its own, and the application have another core",
  async figures(isQuick) {
    const size = isQuick ? quick : full;
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    await moveTo(cores.others);
    try {
      const figures: Figure[] = [];
      for (const part of parts(folder, size, isQuick)) {
        const measured = await part();
        // It takes minutes: what is known is not lost with a part that fails
        for (const { what, ours, unit } of measured) console.error(`${what}: ${ours.toFixed(2)} ${unit}`);
        figures.push(...measured);
      }
      return figures;
    } finally {
      await moveTo("any");
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Part = () => Promise<readonly Figure[]>;

function parts(folder: string, size: Size, isQuick: boolean): readonly Part[] {
  const ours = (["WebSocket", "gRPC"] as const).flatMap((transport): readonly Part[] => [
    () => accepts(folder, transport, size.accepts),
    () => memoryOf(folder, transport, size.memory),
    () => ends(folder, transport, size.ends),
    () => messages(folder, transport, size.messages),
    () => reconnects(folder, transport, size.reconnects),
  ]);
  return isQuick ? ours : [...ours, () => besideRivals(folder, size)];
}
