/** Something that can be done again and again. A promise is awaited within the time. */
interface Contender {
  readonly name: string;
  readonly run: () => unknown;
  /** What must be so before each run; its time does not count. */
  readonly before?: () => Promise<void>;
}

/** Ours and what it is measured against, both on the same work. */
export interface Contest {
  readonly name: string;
  /**
   * `cpu`: processor time of this process, all its threads: what others do on the machine hardly counts. `wall`: for
   * work that waits for disks and other processes.
   */
  readonly clock: "cpu" | "wall";
  readonly ours: Contender;
  readonly baseline: Contender;
}

export interface Effort {
  /** Pairs of batches: one of ours, one of the baseline. */
  readonly rounds: number;
  /** About how long a batch should take; 0: one run a batch. */
  readonly batchMs: number;
}

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Result {
  readonly contest: string;
  readonly clock: Contest["clock"];
  readonly ours: { readonly name: string; readonly microseconds: Spread };
  readonly baseline: { readonly name: string; readonly microseconds: Spread };
  /** Time of ours ÷ time of the baseline, taken within each round: what slows the machine for a while slows both. */
  readonly ratio: Spread;
  readonly rounds: number;
}

/** Times both contenders in turns, the first one changing from round to round. Nothing else may run meanwhile. */
export async function measure(contest: Contest, effort: Effort): Promise<Result> {
  const { ours, baseline } = contest;
  const counts = { ours: await batchOf(ours, contest, effort), baseline: await batchOf(baseline, contest, effort) };
  const times = { ours: [] as number[], baseline: [] as number[] };
  const { rounds } = effort;
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? (["ours", "baseline"] as const) : (["baseline", "ours"] as const)) {
      times[side].push((await timeOf(contest[side], counts[side], contest.clock)) / counts[side]);
    }
  }
  return {
    contest: contest.name,
    clock: contest.clock,
    ours: { name: ours.name, microseconds: spreadOf(times.ours) },
    baseline: { name: baseline.name, microseconds: spreadOf(times.baseline) },
    ratio: spreadOf(times.ours.map((time, round) => time / (times.baseline[round] ?? Number.NaN))),
    rounds,
  };
}

/** Doubles until a batch takes long enough; that also lets the compiler do its work before anything counts. */
async function batchOf(contender: Contender, { clock }: Contest, { batchMs }: Effort): Promise<number> {
  if (batchMs === 0) return 1;
  let count = 1;
  for (;;) {
    const ms = (await timeOf(contender, count, clock)) / 1000;
    if (ms >= batchMs) return count;
    count *= ms < batchMs / 4 ? 4 : 2;
  }
}

/** Microseconds. */
async function timeOf(contender: Contender, count: number, clock: Contest["clock"]): Promise<number> {
  const { before } = contender;
  if (!before) return timeInARow(contender, count, clock);
  let sum = 0;
  for (let done = 0; done < count; done++) {
    await before();
    sum += await timeInARow(contender, 1, clock);
  }
  return sum;
}

/** Awaiting what is no promise would cost more than what is measured. */
async function timeInARow({ run }: Contender, count: number, clock: Contest["clock"]): Promise<number> {
  const started = microseconds[clock]();
  for (let done = 0; done < count; done++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  return microseconds[clock]() - started;
}

const microseconds: Readonly<Record<Contest["clock"], () => number>> = {
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  wall: () => performance.now() * 1000,
};

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}
