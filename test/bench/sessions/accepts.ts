import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { Figure } from "../figures.ts";
import { cpuSeconds, end } from "../sidecar/processes.ts";
import { median } from "../times.ts";
import { startBare, type Transport } from "./bare.ts";
import { type Door, enter, leave } from "./crowd.ts";
import { startGateway } from "./gateway-program.ts";
import { doors } from "./doors.ts";

export interface AcceptSize {
  readonly rounds: number;
  readonly accepts: number;
  /** Until all connections of a round are forgotten on both sides. */
  readonly betweenMs: number;
}

interface Rate {
  readonly ofCpu: number;
  readonly wall: number;
}

/** Sessions that begin, ours and those of a bare server in turns; the first round is for the compiler. */
export async function accepts(folder: string, transport: Transport, size: AcceptSize): Promise<readonly Figure[]> {
  const gateway = await startGateway(folder, ["--session-keep=0s"]);
  const bare = await startBare(transport);
  const ours = { open: doors[transport], port: gateway.ports[transport] };
  const others = { open: doors[transport], port: bare.port };
  const rounds: { readonly ours: Rate; readonly known: Rate; readonly bare: Rate }[] = [];
  try {
    for (let round = -1; round < size.rounds; round++) {
      const tokens = gateway.tokens(size.accepts);
      const fresh = await rateOf(ours, { tokens, child: gateway.child }, size);
      const known = await rateOf(ours, { tokens, child: gateway.child }, size);
      const plain = await rateOf(others, { tokens, child: bare.child }, size);
      if (round >= 0) rounds.push({ ours: fresh, known, bare: plain });
    }
  } finally {
    await Promise.all([end(gateway.child), end(bare.child)]);
  }
  const middle = (of: "ours" | "known" | "bare", by: keyof Rate): number => median(rounds.map((one) => one[of][by]));
  const name = `a bare ${transport === "gRPC" ? "grpc-js" : "ws"} server`;
  return [
    {
      what: `${transport}: sessions that begin`,
      unit: "a CPU second",
      ours: middle("ours", "ofCpu"),
      baseline: { name, value: middle("bare", "ofCpu") },
      goal: "≥ 2000, ≥ 0.5×",
    },
    {
      what: `${transport}: the same with tokens that were seen before`,
      unit: "a CPU second",
      ours: middle("known", "ofCpu"),
      baseline: { name, value: middle("bare", "ofCpu") },
    },
    {
      what: `${transport}: sessions that begin, by the clock`,
      unit: "a second",
      ours: middle("ours", "wall"),
      baseline: { name, value: middle("bare", "wall") },
    },
  ];
}

async function rateOf(
  door: Door,
  { tokens, child }: { readonly tokens: readonly string[]; readonly child: ChildProcess },
  { betweenMs }: AcceptSize,
): Promise<Rate> {
  const [startMs, cpuBefore] = [performance.now(), await cpuSeconds(child)];
  const guests = await enter(door, tokens);
  const seconds = (performance.now() - startMs) / 1000;
  // The kernel counts in hundredths
  const cpu = Math.max((await cpuSeconds(child)) - cpuBefore, 0.01);
  leave(guests);
  await pause(betweenMs);
  return { ofCpu: tokens.length / cpu, wall: tokens.length / seconds };
}
