/**
 * Suites of one lane run one after the other, and the lanes side by side: `computing` keeps the processor busy, `server` waits
 * for an API server in between, `waiting` for keys and tokens to end. Who is `alone` comes after all of them.
 */
export const lanes = ["computing", "server", "waiting", "alone"] as const;
export type Lane = (typeof lanes)[number];

interface InLane {
  readonly lane: Lane;
}

/** Runs each; the results are in the order of `all`. */
export async function inLanes<Item extends InLane, Result>(
  all: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  const play = async (lane: Lane): Promise<void> => {
    for (const item of all.filter((each) => each.lane === lane)) results.set(item, await run(item));
  };
  await Promise.all(lanes.filter((lane) => lane !== "alone").map(play));
  await play("alone");
  return all.flatMap((item) => results.get(item) ?? []);
}

/** Whether some run side by side. */
export function areSideBySide(all: readonly InLane[]): boolean {
  return new Set(all.map(({ lane }) => lane).filter((lane) => lane !== "alone")).size > 1;
}
