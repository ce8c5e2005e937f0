import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { Figure } from "../figures.ts";
import { end, rssMiB } from "../sidecar/processes.ts";
import { startBare, type Transport } from "./bare.ts";
import { enter, leave } from "./crowd.ts";
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
  const open = doors[transport];
  // One after the other: both at once would be more connections than a process may have open
  const taken = async (port: number, child: ChildProcess): Promise<readonly [empty: number, full: number]> => {
    await pause(restMs);
    const empty = await rssMiB(child);
    const guests = await enter({ open, port }, gateway.tokens(sessions));
    await pause(restMs);
    const full = await rssMiB(child);
    leave(guests);
    return [empty, full];
  };
  try {
    const [empty, full] = await taken(gateway.ports[transport], gateway.child);
    const [bareEmpty, bareFull] = await taken(bare.port, bare.child);
    const count = sessions.toLocaleString("en-US");
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
