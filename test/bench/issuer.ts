import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../../hack/postgres.ts";
import type { Dialect } from "../../src/sql/database.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { type Act, atOnce, rateOf } from "./grants.ts";
import { type IssuerWorld, issuerWorld } from "./issuer-world.ts";

interface Size {
  readonly grants: number;
  readonly manyGrants: number;
  readonly renewals: number;
  readonly rounds: number;
  readonly roundMs: number;
}

const full: Size = { grants: 10_000, manyGrants: 1_000_000, renewals: 10_000, rounds: 9, roundMs: 1500 };
const quick: Size = { grants: 100, manyGrants: 500, renewals: 20, rounds: 1, roundMs: 50 };

/** The store of the issuer: each renewal is a read, a decision and one UPDATE, committed. */
export const issuerBench: FiguresBench = {
  name: "issuer",
  what: `renewals by the store, ${atOnce} clients at once, against the same single UPDATE by the bare driver`,
  async figures(isQuick) {
    const size = isQuick ? quick : full;
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    const server = await startPostgres({ settings: { shared_buffers: "512MB", max_wal_size: "4GB" } });
    try {
      const sqlite = await figuresOf("sqlite", () => Promise.resolve(folder), size);
      const postgres = await figuresOf("postgres", (name) => server.create(name), size);
      return [...sqlite, ...postgres];
    } finally {
      await server.remove();
      await rm(folder, { recursive: true });
    }
  },
};

async function figuresOf(dialect: Dialect, locate: (name: string) => Promise<string>, size: Size): Promise<Figure[]> {
  const few = await issuerWorld(dialect, await locate("few"), size.grants);
  const many = await issuerWorld(dialect, await locate("many"), size.manyGrants);
  const [renewals, updates] = await rates([(turn) => few.renew(turn), (turn) => few.update(turn)], size);
  const [toMany, toFew] = await rates([(turn) => many.renew(turn), (turn) => few.renew(turn)], size);
  const rows = await few.rowsAfter(size.renewals);
  await Promise.all([few, many].map((world: IssuerWorld) => world.close()));
  const grants = size.grants.toLocaleString("en-US");
  return [
    {
      what: `${dialect}: renewals, ${grants} grants`,
      unit: "a second",
      ours: renewals,
      baseline: { name: "the bare UPDATE", value: updates },
      goal: "≥ 0.5×",
    },
    {
      what: `${dialect}: a renewal, ${size.manyGrants.toLocaleString("en-US")} grants`,
      unit: "µs",
      ours: 1e6 / toMany,
      baseline: { name: `${grants} grants`, value: 1e6 / toFew },
      goal: "≤ 1.3×",
    },
    { what: `${dialect}: a grant after ${size.renewals} renewals`, unit: "rows", ours: rows, goal: "1" },
  ];
}

/** How often a second both are done, by so many at once; in turns, so that what slows the machine slows both. The median of the rounds. */
async function rates(acts: readonly [Act, Act], { rounds, roundMs }: Size): Promise<[number, number]> {
  const all: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const rate = await rateOf(acts[side], roundMs);
      // The first round is for the compiler and the caches
      if (round >= 0) all[side].push(rate);
    }
  }
  return [medianOf(all[0]), medianOf(all[1])];
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
