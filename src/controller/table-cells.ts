import { shortKid } from "../ring/describe.ts";
import { unplanned } from "../ring/next-rotation.ts";
import type { StatusReport } from "../ring/status.ts";
import { holds } from "../ring/view.ts";
import { dayMs } from "../parse/duration.ts";

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

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** From which length on a unit is fine enough: a status is not written anew each minute. */
const units: readonly {
  readonly from: number;
  readonly unit: number;
  readonly step: number;
  readonly letter: string;
}[] = [
  { from: 2 * dayMs, unit: dayMs, step: 1, letter: "d" },
  { from: 2 * hourMs, unit: hourMs, step: 1, letter: "h" },
  { from: -Infinity, unit: minuteMs, step: 10, letter: "m" },
];

/** `29d`, `5h`, `20m`: rounded up, so that it stays true until it is written anew. */
function spanText(ms: number): string {
  if (ms <= 0) return "now";
  const found = units.find(({ from }) => ms >= from);
  if (found === undefined) return "";
  const { unit, step, letter } = found;
  return `${Math.ceil(ms / unit / step) * step}${letter}`;
}
