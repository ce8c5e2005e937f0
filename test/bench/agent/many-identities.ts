import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { AgentClient } from "../../../src/agent/api/agent-client.ts";
import { systemClock } from "../../../src/time/clock.ts";
import type { Figure } from "../figures.ts";
import { cpuSeconds, end, rssMiB } from "../sidecar/processes.ts";
import { timeOf } from "../times.ts";
import { startAgent } from "./agent-process.ts";
import { givingServer } from "./giving-server.ts";

export interface ManySize {
  readonly identities: number;
  readonly restMs: number;
}

/** As an issuer gives it by itself. */
const lifeSeconds = 900;

/** Identities in the file of one agent: until all have a token, and then at rest. */
export async function manyIdentities(folder: string, { identities, restMs }: ManySize): Promise<readonly Figure[]> {
  const issuer = await givingServer(lifeSeconds);
  const listen = { kind: "unix", path: join(folder, "many.sock") } as const;
  const setting = { folder, issuer: issuer.url, listen };
  const one = await startAgent({ ...setting, identities: 1 });
  await pause(restMs);
  const rssOfOne = await rssMiB(one);
  await end(one);
  let child = one;
  try {
    const begunMs = await timeOf(async () => {
      child = await startAgent({ ...setting, identities });
    });
    const begunMiB = await rssMiB(child);
    const cpuBefore = await cpuSeconds(child);
    await pause(restMs);
    // The kernel counts in hundredths
    const restedMs = 1000 * Math.max((await cpuSeconds(child)) - cpuBefore, 0.01);
    const restedMiB = await rssMiB(child);
    const renewals = await new AgentClient(listen, systemClock).identities();
    const perSecond = countedBySecond(renewals.flatMap(({ nextRenewalAt }) => nextRenewalAt ?? []));
    const count = identities.toLocaleString("en-US");
    const baseline = { name: "with one", value: rssOfOne };
    return [
      { what: `${count} identities: start until all have a token`, unit: "ms", ours: begunMs },
      { what: `${count} identities: memory when all have begun (RSS)`, unit: "MiB", ours: begunMiB, baseline },
      { what: "the same after a rest", unit: "MiB", ours: restedMiB, baseline, goal: "≤ 150 MiB" },
      { what: `processor time in ${restMs / 1000} s at rest`, unit: "ms", ours: restedMs },
      {
        what: `renewals in the fullest second of ${perSecond.seconds}, life ${lifeSeconds / 60} min`,
        unit: "a second",
        ours: perSecond.most,
        baseline: { name: "the mean", value: perSecond.mean },
        goal: "≤ 3×",
      },
    ];
  } finally {
    issuer.close();
    await end(child);
  }
}

/** From the first second to the last. */
function countedBySecond(instants: readonly string[]) {
  const seconds = instants.map((instant) => Math.floor(Date.parse(instant) / 1000));
  const counts = new Map<number, number>();
  for (const second of seconds) counts.set(second, (counts.get(second) ?? 0) + 1);
  const sorted = seconds.toSorted((a, b) => a - b);
  const length = (sorted.at(-1) ?? 0) - (sorted[0] ?? 0) + 1;
  return { seconds: length, most: Math.max(...counts.values()), mean: instants.length / length };
}
