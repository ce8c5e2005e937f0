/** How a soak runs. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Names of the troubles, of both sides; undefined: those that are known to be survived. */
  readonly troubles: readonly string[] | "all" | undefined;
  /** Goes on after something was wrong, to the end of its time. */
  readonly keepGoing: boolean;
  readonly sides: readonly ("cluster" | "standalone")[];
}
