import { setTimeout as after } from "node:timers/promises";
import type { Diary } from "./judge/diary.ts";
import type { Ledger } from "./judge/ledger.ts";
import { type Drawn, rounds, type Trouble } from "./schedule.ts";
import { healthyWithinMs } from "./world/settings.ts";
import { until } from "./world/until.ts";

/** A world that troubles befall. */
export interface World {
  readonly side: string;
  readonly ledger: Ledger;
  readonly diary: Diary;
  readonly ails: () => Promise<string | undefined>;
  /** Changes something that must show in a world that is healthy. */
  readonly proveEars: () => Promise<void>;
}

export interface PlayOptions {
  readonly seed: number;
  readonly untilMs: number;
  readonly keepGoing: boolean;
  readonly say: (line: string) => void;
}

/** Plays round after round until the time is over, or something is wrong. @returns the longest time to be healthy again, in ms */
export async function play<W extends World>(
  world: W,
  troubles: readonly Trouble<W>[],
  { seed, untilMs, keepGoing, say }: PlayOptions,
): Promise<number> {
  let longestMs = 0;
  let played = 0;
  for (const round of rounds(seed, world.side, troubles)) {
    if (performance.now() > untilMs || (!keepGoing && world.ledger.wrongs.size > 0)) break;
    played += 1;
    const names = round.map(({ trouble, lastsMs }) => `${trouble.name} (${(lastsMs / 1000).toFixed(1)} s)`).join(", ");
    await Promise.all(round.map((drawn) => befall(world, drawn)));
    const overAtMs = performance.now();
    const ails = await healthy(world);
    const tookMs = performance.now() - overAtMs;
    longestMs = Math.max(longestMs, tookMs);
    say(`${world.side} ${played}: ${names}; healthy after ${(tookMs / 1000).toFixed(1)} s`);
    if (ails !== undefined) {
      world.ledger.wrong("not healthy again", `${world.side}, ${healthyWithinMs / 1000} s after ${names}: ${ails}`);
      break;
    }
  }
  return longestMs;
}

/** Healthy by itself first, and then once more after an edit: what only an edit brings about does not count. */
async function healthy(world: World): Promise<string | undefined> {
  const ails = await until(() => world.ails(), healthyWithinMs);
  if (ails !== undefined) return ails;
  await world.proveEars();
  return until(() => world.ails(), healthyWithinMs);
}

async function befall<W extends World>(world: W, { trouble, afterMs, lastsMs, chance }: Drawn<W>): Promise<void> {
  await after(afterMs);
  const ended = world.diary.began(trouble.name);
  const end = await trouble.begin(world, chance);
  await after(lastsMs);
  await end();
  ended();
}
