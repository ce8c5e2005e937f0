import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hydra, hydraNeeds } from "../../hack/hydra.ts";
import { startPostgres } from "../../hack/postgres.ts";
import { run } from "../../hack/run.ts";
import type { Dialect } from "../../src/sql/database.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { atOnce, rateOf } from "./grants.ts";
import { hydraOn, type HydraProcess } from "./renewals/hydra.ts";
import { type GrantCounts, liveIssuer, type LiveIssuer } from "./renewals/live-issuer.ts";
import { renewFor } from "./renewals/load.ts";
import { cores, moveTo } from "./renewals/pinned.ts";
import { cpuSeconds, end, rssMiB } from "./sidecar/processes.ts";
import { median } from "./times.ts";

interface Size extends GrantCounts {
  /** Renewals before anything is measured: so many the compiler of Node.js takes until it has made the best of it. */
  readonly warmUp: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** So many are renewed that none is too often within one retry window. */
const full: Size = { live: 16_000, others: 1_000_000, warmUp: 20_000, rounds: 7, roundMs: 2000 };
const quick: Size = { live: 640, others: 360, warmUp: 1, rounds: 1, roundMs: 100 };

/** Shares its name with the bench of the store. Linux only. */
export const renewalsBench: FiguresBench = {
  name: "issuer",
  what: `renewals over HTTP with ES256 by the program of the image on one core, ${atOnce} clients at once; they and PostgreSQL have another core`,
  async figures(isQuick) {
    const size = isQuick ? quick : full;
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const missing = isQuick ? "its build takes minutes" : hydraNeeds();
    if (missing !== undefined) console.error(`Hydra is not measured: ${missing}`);
    const rival = missing === undefined ? await hydra(console.error) : undefined;
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    await moveTo(cores.others);
    const server = await startPostgres({ settings: { shared_buffers: "512MB", max_wal_size: "4GB" } });
    try {
      const sqlite = await figuresOf(
        "sqlite",
        await liveIssuer("sqlite", { location: join(folder, "grants.db"), folder }, size),
        { size },
      );
      const postgres = await liveIssuer("postgres", { location: await server.create("grants"), folder }, size);
      const other = rival === undefined ? undefined : await hydraOn(rival, await server.create("hydra"), folder);
      return [...sqlite, ...(await figuresOf("postgres", postgres, { size, ...(other && { other }) }))];
    } finally {
      await server.remove();
      await moveTo("any");
      await rm(folder, { recursive: true });
    }
  },
};

/** @see https://www.keycloak.org/high-availability/concepts-memory-and-cpu-sizing, read on 2026-11-30: 1 vCPU for 120 requests with refresh tokens a second */
const keycloak = { name: "Keycloak's docs", value: 120 } as const;

/** What one round of each did in a second, and in one of its process's time. */
interface Round {
  readonly ours: number;
  readonly oursOfCpu: number;
  readonly updates: number;
  readonly othersOfCpu: number;
}

async function figuresOf(
  dialect: Dialect,
  issuer: LiveIssuer,
  { size, other }: { readonly size: Size; readonly other?: HydraProcess },
): Promise<readonly Figure[]> {
  const rounds: Round[] = [];
  let mostMiB = 0;
  try {
    for (let done = 0; done < size.warmUp;) done += await renewFor(issuer.renewals, size.roundMs);
    if (other) await renewFor(other.renewals, size.roundMs);
    for (let round = 0; round < size.rounds; round++) {
      const ours = await renewed(issuer, size.roundMs);
      mostMiB = Math.max(mostMiB, await rssMiB(issuer.child));
      const others = other && (await renewed(other, size.roundMs));
      await moveTo(cores.measured);
      const updates = await rateOf((client) => issuer.update(client), size.roundMs);
      await moveTo(cores.others);
      rounds.push({ ours: ours.rate, oursOfCpu: ours.ofCpu, updates, othersOfCpu: others?.ofCpu ?? Number.NaN });
    }
  } finally {
    await issuer.end();
    if (other) await end(other.child);
  }
  const middle = (of: keyof Round): number => median(rounds.map((round) => round[of]));
  const grants = (size.live + size.others).toLocaleString("en-US");
  const figure = { what: `${dialect}: renewals over HTTP`, ours: middle("oursOfCpu"), unit: "a CPU second" } as const;
  return [
    { ...figure, baseline: keycloak, goal: "≥ 1500" },
    ...(other ? [{ ...figure, baseline: { name: "Ory Hydra", value: middle("othersOfCpu") }, goal: "≥ 3×" }] : []),
    {
      what: `${dialect}: the same by the clock`,
      unit: "a second",
      ours: middle("ours"),
      baseline: { name: "the bare UPDATE", value: middle("updates") },
    },
    { what: `${dialect}: memory of the issuer, ${grants} grants (RSS)`, unit: "MiB", ours: mostMiB, goal: "≤ 150" },
  ];
}

async function renewed(
  { child, renewals }: Pick<HydraProcess, "child" | "renewals">,
  forMs: number,
): Promise<{ readonly rate: number; readonly ofCpu: number }> {
  const [start, cpuBefore] = [performance.now(), await cpuSeconds(child)];
  const count = await renewFor(renewals, forMs);
  const seconds = (performance.now() - start) / 1000;
  // The kernel counts in hundredths
  return { rate: count / seconds, ofCpu: count / Math.max((await cpuSeconds(child)) - cpuBefore, 0.01) };
}
