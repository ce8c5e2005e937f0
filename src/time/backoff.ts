/** From 0 up to, but not, 1: `Math.random`, or what a test wants. */
export type Chance = () => number;

export interface Backoff {
  /** The ceiling of the first wait, in milliseconds. */
  readonly baseMs: number;
  /** The ceiling of every wait, in milliseconds. */
  readonly maxMs: number;
}

/** The doubling ceiling of a wait: `baseMs` after the first failure, `maxMs` at the most. */
export function ceilingMs({ baseMs, maxMs }: Backoff, failures: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 50));
}

/**
 * How long to wait after so many failures in a row, in milliseconds: anything from 0 to the ceiling, so that many who
 * failed at once don't come back at once ("full jitter").
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(backoff: Backoff, failures: number, chance: Chance): number {
  return chance() * ceilingMs(backoff, failures);
}
