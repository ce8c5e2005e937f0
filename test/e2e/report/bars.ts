import type { KeyState, Record as Story, Replica, Ring } from "./record.ts";

/** A time in one state. */
interface Segment {
  readonly state: KeyState;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A key, from the first ring that has it to the last. */
export interface KeyBar {
  readonly kid: string;
  readonly algorithm: string;
  readonly segments: readonly Segment[];
  readonly revokedAtMs?: number;
}

/** The keys in the order in which they came. */
export function keyBars({ rings, endedAtMs }: Pick<Story, "rings" | "endedAtMs">): readonly KeyBar[] {
  const first = new Map<string, string>();
  for (const { keys } of rings) for (const { kid, algorithm } of keys) if (!first.has(kid)) first.set(kid, algorithm);
  return [...first].map(([kid, algorithm]) => {
    const revoked = rings.find((ring) => ring.revoked.includes(kid));
    const segments = joined(rings.flatMap((ring, index) => segmentOf(kid, ring, rings[index + 1]?.atMs ?? endedAtMs)));
    return { kid, algorithm, segments, ...(revoked && { revokedAtMs: revoked.atMs }) };
  });
}

function segmentOf(kid: string, ring: Ring, toMs: number): readonly Segment[] {
  const key = ring.keys.find((each) => each.kid === kid);
  return key ? [{ state: key.state, fromMs: ring.atMs, toMs }] : [];
}

/** Neighbours in one state as one. */
function joined(segments: readonly Segment[]): readonly Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (last?.state === segment.state && last.toMs === segment.fromMs)
      result[result.length - 1] = { ...last, toMs: segment.toMs };
    else result.push(segment);
  }
  return result;
}

/** A time in which a replica signed with one key. */
export interface Signing {
  readonly kid: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a replica signed with, by its own acknowledgements. */
export function signings({ acks, goneAtMs }: Replica, endedAtMs: number): readonly Signing[] {
  const result: Signing[] = [];
  acks.forEach(({ atMs: fromMs, signs: kid }, index) => {
    const toMs = acks[index + 1]?.atMs ?? goneAtMs ?? endedAtMs;
    const last = result.at(-1);
    if (kid === undefined) return;
    if (last?.kid === kid && last.toMs === fromMs) result[result.length - 1] = { ...last, toMs };
    else result.push({ kid, fromMs, toMs });
  });
  return result;
}

/** How many keys signed before: a key that signs again after a rollback counts again. */
export function turnOf({ kid, toMs }: Signing, rings: readonly Ring[]): number {
  const signers = rings.map(({ keys, atMs }) => ({ kid: keys.find(({ state }) => state === "active")?.kid, atMs }));
  const turns = signers.filter(({ kid: signer }, index) => signer !== signers[index - 1]?.kid);
  return turns.findLastIndex((turn) => turn.kid === kid && turn.atMs <= toMs);
}

/**
 * How long after a ring was let out the replica acknowledged it, in milliseconds, for each that came while it ran. Both times
 * are those of one observer, so a few milliseconds either way mean nothing.
 */
export function delaysMs(replica: Replica, rings: readonly Ring[]): readonly number[] {
  const firstAtMs = replica.acks.find(({ generation }) => generation > 0)?.atMs ?? Number.POSITIVE_INFINITY;
  return replica.acks.flatMap(({ atMs, generation }) => {
    const ring = rings.find((each) => each.generation === generation);
    return ring && ring.atMs >= firstAtMs ? [Math.max(0, atMs - ring.atMs)] : [];
  });
}
