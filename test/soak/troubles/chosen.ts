import { notYet } from "../known.ts";
import type { SoakOptions } from "../options.ts";
import type { Trouble } from "../schedule.ts";

/** Those troubles of a side that this soak has: without libfaketime none that sets a clock. */
export function chosen<World>(
  troubles: readonly Trouble<World>[],
  { troubles: wanted, library }: Pick<SoakOptions, "troubles"> & { readonly library: string | undefined },
): readonly Trouble<World>[] {
  const possible = troubles.filter(({ befalls }) => library !== undefined || !befalls.includes("clocks"));
  if (wanted === "all") return possible;
  if (wanted === undefined) return possible.filter(({ name }) => notYet[name] === undefined);
  return possible.filter(({ name }) => wanted.includes(name));
}
