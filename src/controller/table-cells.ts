import { shortKid } from "../ring/describe.ts";
import { unplanned } from "../ring/next-rotation.ts";
import type { StatusReport } from "../ring/status.ts";
import { holds } from "../ring/view.ts";
import { dayMs, hourMs, minuteMs } from "../parse/duration.ts";

/** Cells of `kubectl get jkr` that a printer column can't make: it neither cuts a text, nor shows a time that is to come. */
export interface Columns {
  /** The signer's kid, short enough for a line. */
  readonly active?: string;
  /** How long until the next key signs, or why nobody can tell; absent while the rotation is not Ready. */
  readonly next?: string;
}

/** For people: programs go by `activeKid` and `nextRotationTime`. */
export function columnsOf(report: StatusReport, nowMs: number): Columns {
  const { activeKid, conditions, nextRotationTime } = report;
  const next = holds(report, "Ready")
    ? nextRotationTime === undefined
      ? unplanned(conditions)
      : spanText(Date.parse(nextRotationTime) - nowMs)
    : undefined;
  return { ...(activeKid !== undefined && { active: shortKid(activeKid) }), ...(next !== undefined && { next }) };
}

/** `29d`, `5h`, `20m`: rounded up, so that it stays true until it is written anew, which is not each minute. */
function spanText(ms: number): string {
  if (ms <= 0) return "now";
  if (ms >= 2 * dayMs) return `${Math.ceil(ms / dayMs)}d`;
  if (ms >= 2 * hourMs) return `${Math.ceil(ms / hourMs)}h`;
  return `${Math.ceil(ms / (10 * minuteMs)) * 10}m`;
}
