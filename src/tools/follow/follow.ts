import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { RingHome } from "../../keeper/home.ts";
import type { Io } from "../text/screen.ts";
import { viewOf, type View } from "../../ring/view.ts";

/** What is due by the clock alone shows no change in the home. */
const leastOftenMs = 1000;

interface LookOptions {
  readonly signal: AbortSignal;
  /** Hears why a look was not possible; also when the signal has ended it. */
  readonly onMissed?: (error: TryLaterError) => void;
}

/**
 * Yields a look at the home now, whenever something in it may have changed, and every second; ends with the signal. What
 * can't be read for the moment is tried again.
 */
export async function* follow(home: RingHome, io: Io, { signal, onMissed }: LookOptions): AsyncGenerator<View, void> {
  const stop = new AbortController();
  const changes = home.changes(AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  let change: Promise<IteratorResult<void>> | undefined = changes.next();
  try {
    while (!signal.aborted) {
      const view = await lookOnce(home, signal);
      if (view instanceof TryLaterError) onMissed?.(view);
      else yield view;
      const woken = new AbortController();
      const pause = io.pause(leastOftenMs, AbortSignal.any([signal, woken.signal])).then(() => undefined);
      const result: IteratorResult<void> | undefined = await Promise.race(change ? [change, pause] : [pause]);
      woken.abort();
      if (result) change = result.done === true ? undefined : changes.next();
    }
  } finally {
    stop.abort();
    change?.catch(() => undefined);
  }
}

async function lookOnce(home: RingHome, signal: AbortSignal): Promise<View | TryLaterError> {
  try {
    return viewOf(await home.observe(signal));
  } catch (error) {
    if (error instanceof TryLaterError) return error;
    throw error;
  }
}
