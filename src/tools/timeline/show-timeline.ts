import { RuleError } from "../../errors/keyturn-error.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook } from "../first-look.ts";
import { line, type Io } from "../text/screen.ts";
import { listTimeline } from "./list-timeline.ts";
import { leastColumns, renderTimeline, type TimelineInput } from "./render-timeline.ts";
import { rotationName } from "../../ring/ring.ts";

export interface TimelineOptions {
  /** How far back the picture goes. @default to the birth of the oldest key */
  readonly pastMs?: number;
  /** How far ahead it goes. @default until the present signer is pruned */
  readonly futureMs?: number;
}

/** Draws the picture alone, as far as one likes. */
export async function timeline(home: RingHome, { pastMs, futureMs }: TimelineOptions, io: Io): Promise<ExitCode> {
  const { ring, forecast, nowMs, seen } = await firstLook(home, io);
  if (!ring) throw new RuleError("NoRing", `Cannot draw ${rotationName(seen.rotation)}: there is no ring yet`);
  const input: TimelineInput = {
    ...{ ring, forecast, nowMs, ...io.out, timeZone: io.timeZone },
    ...(pastMs !== undefined && { fromMs: nowMs - pastMs }),
    ...(futureMs !== undefined && { untilMs: nowMs + futureMs }),
  };
  const lines = io.out.columns < leastColumns ? listTimeline(input) : renderTimeline(input);
  for (const text of lines) line(io.out, text);
  return exitCodes.done;
}
