import { setTimeout as after } from "node:timers/promises";

/** What is wrong, or undefined. */
export type Look = () => Promise<string | undefined>;

/** Looks until nothing is wrong. @returns what was wrong at last, when the time is over */
export async function until(look: Look, withinMs: number): Promise<string | undefined> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const wrong = await look().catch((error: unknown) => String(error));
    if (wrong === undefined || performance.now() > deadlineMs) return wrong;
    await after(250);
  }
}

/** Does it until it works: an API server that is away for a moment holds nobody up for good. @throws what was thrown last */
export async function insist<Result>(action: () => Promise<Result>, withinMs = 60_000): Promise<Result> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await after(250);
    }
  }
}
