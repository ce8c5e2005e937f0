import { RuleError } from "../../errors/keyturn-error.ts";
import { forecast } from "../../ring/forecast.ts";
import { exitCodes, type ExitCode } from "../exit.ts";
import type { RingHome } from "../../keeper/home.ts";
import { firstLook, note } from "../first-look.ts";
import { line, type Io } from "../text/screen.ts";
import { listTimeline } from "./list-timeline.ts";
import { leastColumns, renderTimeline, type TimelineInput } from "./render-timeline.ts";
import { rotationName } from "../../ring/ring.ts";
import type { View } from "../../ring/view.ts";
import { clockTimeAndDistance } from "../text/words.ts";

/** Of so many the keys fit into one picture. */
const mostDrawnWrites = 48;

export interface TimelineOptions {
  /** How far back the picture goes. @default to the birth of the oldest key */
  readonly pastMs?: number;
  /** How far ahead it goes. @default until the present signer is pruned */
  readonly futureMs?: number;
}

/** Draws the picture alone, as far as one likes. */
export async function timeline(home: RingHome, { pastMs, futureMs }: TimelineOptions, io: Io): Promise<ExitCode> {
  const view = await firstLook(home, io);
  const { ring, nowMs, seen } = view;
  if (!ring) throw new RuleError("NoRing", `Cannot draw ${rotationName(seen.rotation)}: there is no ring yet`);
  const input: TimelineInput = {
    ...{ ring, nowMs, ...io.out, timeZone: io.timeZone },
    ...(pastMs !== undefined && { fromMs: nowMs - pastMs }),
    ...(futureMs === undefined ? { forecast: view.forecast } : foreseen(view, nowMs + futureMs, io)),
  };
  const lines = io.out.columns < leastColumns ? listTimeline(input) : renderTimeline(input);
  for (const text of lines) line(io.out, text);
  return exitCodes.done;
}

/** As far as one likes, or as far as it can be drawn: beyond that nothing is known, and the picture ends. */
function foreseen(view: View, untilMs: number, io: Io): Pick<TimelineInput, "forecast" | "untilMs"> {
  const { decision, nowMs } = view;
  if (decision.kind !== "plan") return { forecast: view.forecast, untilMs };
  const writes = forecast(decision.input, untilMs - nowMs, mostDrawnWrites);
  const last = writes.at(-1);
  if (writes.length < mostDrawnWrites || !last) return { forecast: writes, untilMs };
  const end = clockTimeAndDistance(last.atMs, { nowMs, timeZone: io.timeZone });
  note(io, `the picture ends on ${end}: more keys come until then than fit into it`);
  return { forecast: writes, untilMs: last.atMs };
}
