import { setTimeout as pause } from "node:timers/promises";
import type { Figure } from "../figures.ts";
import { end, rssMiB } from "../sidecar/processes.ts";
import { startBare, type Transport } from "./bare.ts";
import { enter } from "./crowd.ts";
import { startGateway } from "./gateway-program.ts";
import { doors } from "./doors.ts";

export interface MemorySize {
  readonly sessions: number;
  readonly restMs: number;
}

/** All sessions at once, each on a connection of its own. */
export async function memoryOf(
  folder: string,
  transport: Transport,
  { sessions, restMs }: MemorySize,
): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder);
  const bare = await startBare(transport);
  try {
    const tokens = gateway.tokens(sessions);
    await pause(restMs);
    const [empty, bareEmpty] = [await rssMiB(gateway.child), await rssMiB(bare.child)];
    await enter({ open: doors[transport], port: gateway.ports[transport] }, tokens);
    await enter({ open: doors[transport], port: bare.port }, tokens);
    await pause(restMs);
    const count = sessions.toLocaleString("en-US");
    const [full, bareFull] = [await rssMiB(gateway.child), await rssMiB(bare.child)];
    const name = `a bare ${transport === "gRPC" ? "grpc-js" : "ws"} server`;
    const each = (from: number, to: number): number => ((to - from) * 1024) / sessions;
    return [
      {
        what: `${transport}: memory with ${count} sessions (RSS)`,
        ...{ unit: "MiB", ours: full, baseline: { name: "with none", value: empty }, goal: "≤ 300 MiB" },
      },
      {
        what: `${transport}: memory that a session takes`,
        ...{ unit: "KiB", ours: each(empty, full), baseline: { name, value: each(bareEmpty, bareFull) } },
      },
    ];
  } finally {
    await Promise.all([end(gateway.child), end(bare.child)]);
  }
}
