import type { Forecast } from "../../ring/forecast.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";

/** A ring as it stands from an instant on, until the next one replaces it. */
export type Snapshot = Pick<Forecast, "atMs" | "ring">;

/** A time in which a key has one state; `toMs` is Infinity for what has no end in sight. */
export interface Span {
  readonly state: Key["state"];
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the picture knows of one key. */
export interface Row {
  readonly kid: Kid;
  /** Absent for a revoked key of which nothing else is known. */
  readonly key?: Key;
  /** In the order of time, without holes. */
  readonly spans: readonly Span[];
  readonly publishedAtMs?: number;
  readonly revokedAtMs?: number;
}

export interface Story {
  readonly ring: Ring;
  readonly nowMs: number;
  readonly forecast: readonly Snapshot[];
  /** Rings that were, oldest first: what is told of keys that are gone, and of second lives. */
  readonly history: readonly Snapshot[];
}

/** One row for each key that is known of, the oldest first: a picture of stairs. */
export function rowsOf({ ring, nowMs, forecast, history }: Story): readonly Row[] {
  const snapshots = [...history.filter((h) => h.atMs <= nowMs), { atMs: nowMs, ring }, ...forecast];
  const kids = new Set([
    ...snapshots.flatMap((s) => keysOf(s.ring).map((k) => k.kid)),
    ...ring.revoked.map((r) => r.kid),
  ]);
  const rows = [...kids].map((kid) => rowOf(kid, snapshots));
  return rows.sort((a, b) => startMs(a) - startMs(b));
}

const startMs = (row: Row): number => row.spans[0]?.fromMs ?? row.revokedAtMs ?? 0;

function rowOf(kid: Kid, snapshots: readonly Snapshot[]): Row {
  const versions = snapshots.map((s) => keysOf(s.ring).find((k) => k.kid === kid));
  const first = versions.findIndex((v) => v !== undefined);
  const key = versions.findLast((v) => v !== undefined);
  const lived = versions.flatMap((version, index): Span[] => {
    const from = snapshots[index];
    if (!version || !from) return [];
    return [{ state: version.state, fromMs: from.atMs, toMs: snapshots[index + 1]?.atMs ?? Infinity }];
  });
  const begin = snapshots[first]?.atMs ?? 0;
  const before = versions[first] ? spansOf(versions[first], begin) : [];
  const publishedAtMs = versions.find((v) => v?.publishedAtMs !== undefined)?.publishedAtMs;
  const revokedAtMs = snapshots.flatMap((s) => s.ring.revoked).find((r) => r.kid === kid)?.revokedAtMs;
  return {
    kid,
    ...(key && { key }),
    spans: merged([...before, ...lived]),
    ...(publishedAtMs !== undefined && { publishedAtMs }),
    ...(revokedAtMs !== undefined && { revokedAtMs }),
  };
}

/** What a key's own facts tell of the time before `untilMs`. A key that signs for the second time tells of the second only. */
function spansOf(key: Key, untilMs: number): readonly Span[] {
  const activatedAtMs = key.state === "prepared" ? undefined : key.activatedAtMs;
  const demotedAtMs = key.state === "verify-only" ? key.demotedAtMs : undefined;
  const starts = [
    { state: "prepared", fromMs: key.createdAtMs } as const,
    ...(activatedAtMs === undefined ? [] : [{ state: "active", fromMs: activatedAtMs } as const]),
    ...(demotedAtMs === undefined ? [] : [{ state: "verify-only", fromMs: demotedAtMs } as const]),
  ];
  return starts
    .map((start, index) => ({ ...start, toMs: Math.min(untilMs, starts[index + 1]?.fromMs ?? untilMs) }))
    .filter((span) => span.toMs > span.fromMs);
}

/** Neighbours of one state become one. */
function merged(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last?.state === span.state && last.toMs === span.fromMs)
      result[result.length - 1] = { ...last, toMs: span.toMs };
    else if (span.toMs > span.fromMs) result.push(span);
  }
  return result;
}
