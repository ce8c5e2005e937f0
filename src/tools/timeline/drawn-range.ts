import { keysOf } from "../../ring/ring.ts";
import type { Row, Story } from "./rows.ts";

/** The times at the edges of a picture. */
export interface DrawnRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A story of which a part may have been asked for. */
type DrawnStory = Omit<Story, "history"> & Partial<DrawnRange & Pick<Story, "history">>;

/** What was asked for, else from the birth of the oldest key until the present signer is pruned and a little longer. */
export function rangeOf(input: DrawnStory, rows: readonly Row[]): DrawnRange {
  const { ring, forecast, nowMs } = input;
  const alive = new Set(keysOf(ring).map((k) => k.kid));
  const births = rows.filter((r) => alive.has(r.kid) || input.history).map((r) => r.spans[0]?.fromMs ?? nowMs);
  const fromMs = input.fromMs ?? Math.min(nowMs, ...births);
  const next = forecast.find((f) => f.ring.signer.kid !== ring.signer.kid)?.atMs ?? nowMs;
  const gone = forecast.find((f) => keysOf(f.ring).every((k) => k.kid !== ring.signer.kid));
  const endMs = gone?.atMs ?? forecast.at(-1)?.atMs ?? nowMs;
  const marginMs = endMs > nowMs ? (endMs - next) / 4 : Math.max(10_000, (nowMs - fromMs) / 4);
  const untilMs = input.untilMs ?? endMs + marginMs;
  return { fromMs, untilMs: Math.max(untilMs, fromMs + 1000) };
}

/** True when there is anything of the row to be seen. */
export const isInRange = (row: Row, { fromMs, untilMs }: DrawnRange): boolean =>
  row.spans.some((s) => s.fromMs < untilMs && s.toMs > fromMs) ||
  (row.revokedAtMs !== undefined && row.revokedAtMs >= fromMs && row.revokedAtMs < untilMs);
