import { paint } from "../text/screen.ts";
import { clockTime, keyLabel, kidLength } from "../text/words.ts";
import { rangeOf } from "./drawn-range.ts";
import type { TimelineInput } from "./render-timeline.ts";
import { rowsOf } from "./rows.ts";

/** The same life of the keys in lines, for a screen that is too narrow for a picture: what each became, and when. */
export function listTimeline(input: TimelineInput): readonly string[] {
  const { ring, forecast, nowMs, history = [], timeZone = "UTC", colour, unicode = colour } = input;
  const rows = rowsOf({ ring, nowMs, forecast, history });
  const range = rangeOf(input, rows);
  const length = kidLength(rows.map(({ kid }) => kid));
  const at = (ms: number): string => clockTime(ms, { nowMs, timeZone });
  return rows.flatMap(({ kid, spans, revokedAtMs }) => {
    const lived = spans.filter((span) => span.toMs > range.fromMs && span.fromMs < range.untilMs);
    const times = lived.map((span) => `  ${at(span.fromMs)}  ${span.state}`);
    const end = lived.at(-1)?.toMs ?? Infinity;
    if (revokedAtMs !== undefined) times.push(`  ${at(revokedAtMs)}  revoked`);
    else if (Number.isFinite(end)) times.push(`  ${at(end)}  pruned`);
    return times.length === 0 ? [] : [paint({ colour }, "strong", keyLabel(kid, length, unicode)), ...times];
  });
}
