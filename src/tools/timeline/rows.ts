import type { Forecast } from "../../ring/forecast.ts";
import type { Key, Kid } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";

/** A ring as it stands from an instant on, until the next one replaces it. */
export type RingAt = Pick<Forecast, "atMs" | "ring">;

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
  readonly forecast: readonly RingAt[];
  /** Rings that were, oldest first: what is told of keys that are gone, and of second lives. */
  readonly history: readonly RingAt[];
}

/** One row for each key that is known of, the oldest first: a picture of stairs. */
export function rowsOf({ ring, nowMs, forecast, history }: Story): readonly Row[] {
  const snapshots = [...history.filter((h) => h.atMs <= nowMs), { atMs: nowMs, ring }, ...forecast];
  const kids = new Set([
    ...snapshots.flatMap((s) => keysOf(s.ring).map((k) => k.kid)),
    ...ring.revoked.map((r) => r.kid),
  ]);
  const rows = [...kids].map((kid) => rowOf(kid, snapshots));
  return rows.sort((a, b) => startMs(a) - startMs(b) || firstSignedMs(a) - firstSignedMs(b));
}

const startMs = (row: Row): number => row.spans[0]?.fromMs ?? row.revokedAtMs ?? 0;

/** Of two keys that were born together, the signer stands above the standby. */
const firstSignedMs = (row: Row): number =>
  row.spans.find((s) => s.state === "active")?.fromMs ?? Number.MAX_SAFE_INTEGER;

function rowOf(kid: Kid, snapshots: readonly RingAt[]): Row {
  const versions = snapshots.map((s) => keysOf(s.ring).find((k) => k.kid === kid));
  const first = versions.findIndex((v) => v !== undefined);
  const key = versions.findLast((v) => v !== undefined);
  const lived = versions.flatMap((version, index): Span[] => {
    const from = snapshots[index];
    if (!version || !from) return [];
    return [{ state: version.state, fromMs: from.atMs, toMs: snapshots[index + 1]?.atMs ?? Infinity }];
  });
  const begin = snapshots[first];
  const before = versions[first] && begin ? spansOf(versions[first], begin) : [];
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

interface Start {
  readonly state: Key["state"];
  readonly fromMs: number;
}

/** What the facts in a ring tell of a key's life before the snapshot. */
function spansOf(key: Key, { atMs, ring }: RingAt): readonly Span[] {
  const activatedAtMs = key.state === "prepared" ? undefined : key.activatedAtMs;
  const demotedAtMs = key.state === "verify-only" ? key.demotedAtMs : undefined;
  const starts: readonly Start[] = [
    { state: "prepared", fromMs: key.createdAtMs },
    ...(activatedAtMs === undefined ? [] : firstLife(key, activatedAtMs, ring)),
    ...(activatedAtMs === undefined ? [] : [{ state: "active", fromMs: activatedAtMs } as const]),
    ...(demotedAtMs === undefined ? [] : [{ state: "verify-only", fromMs: demotedAtMs } as const]),
  ];
  return starts
    .map((start, index) => ({ ...start, toMs: Math.min(atMs, starts[index + 1]?.fromMs ?? atMs) }))
    .filter((span) => span.toMs > span.fromMs);
}

/**
 * A key that signs for the second time (a rollback) has lost the facts of the first. The key that took over from it still
 * has them: it was made when this one became the signer, and was activated when this one was demoted.
 */
function firstLife(key: Key, activatedAtMs: number, ring: Ring): readonly Start[] {
  const heirs = keysOf(ring).flatMap((k) =>
    k.state !== "prepared" && k.activatedAtMs !== undefined && k.activatedAtMs < activatedAtMs
      ? [{ createdAtMs: k.createdAtMs, activatedAtMs: k.activatedAtMs }]
      : [],
  );
  const heir = heirs
    .filter((h) => h.createdAtMs > key.createdAtMs)
    .reduce<(typeof heirs)[number] | undefined>((a, b) => (a && a.activatedAtMs < b.activatedAtMs ? a : b), undefined);
  if (!heir) return [];
  return [
    { state: "active", fromMs: heir.createdAtMs },
    { state: "verify-only", fromMs: heir.activatedAtMs },
  ];
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
