import type { Ack } from "./ack.ts";
import { mostNamed, shortKid } from "./describe.ts";
import { thumbprintOf, type IdentifiedKey } from "./key.ts";
import { isOtherLine } from "./lineage.ts";
import type { Conflict, Projection, Stored } from "./plan.ts";
import type { Found, Reading } from "./reading.ts";
import { canSign, earlierCopies, halvesOf, keysLeft, newTo } from "./remnants.ts";
import { keysOf, ordinaryKeyLimit, revokedLimit, type Ring } from "./ring.ts";

export type { Found, Reading } from "./reading.ts";

/** Why nothing can go on before a person acts. */
export interface Stall {
  readonly kind: "stalled";
  readonly reason: "RingUnreadable" | "SecretConflict" | "RingRolledBack" | "RecoveryRefused";
  readonly message: string;
}

/** Claims further ahead than this many generations of Unix seconds are lies: they count for nothing. */
const credibleLead = 1_000_000;

/**
 * Decides what the three objects, read together, amount to. The ring object is the truth; a projection that is newer
 * than it, or left without it, is what the ring is rebuilt from.
 */
export function classify(found: Found): Stored | Stall {
  if (found.ring.kind === "foreign") return stalledBy({ object: "ring", problem: found.ring.problem });
  const conflicts = projectionConflicts(found);
  const [conflict] = conflicts;
  if (!conflict) return classifyOurs(found);
  // What is ours must still obey a revocation; all else waits, since a ring can't be known to be the newest
  const ours = classifyOurs({ ...found, ...absent(conflicts) });
  return ours.kind === "ring" ? { ...ours, conflicts } : stalledBy(conflict);
}

/** What a projection in somebody else's hands is called, as a reason and in words. */
export const conflictOf = ({ object, problem }: { readonly object: string; readonly problem: string }) =>
  ({ reason: "SecretConflict", message: `the ${object} object is not Keyturn's: ${problem}` }) as const;

function stalledBy(conflict: Parameters<typeof conflictOf>[0]): Stall {
  const { reason, message } = conflictOf(conflict);
  return stall(reason, message);
}

function projectionConflicts(found: Found): readonly Conflict[] {
  const strange = strangeSigner(found);
  const foreign = (["signer", "public"] as const).flatMap((object): readonly Conflict[] => {
    const reading = found[object];
    return reading.kind === "foreign" ? [{ object, problem: reading.problem }] : [];
  });
  return [...(strange === undefined ? [] : [{ object: "signer", problem: strange } as const]), ...foreign];
}

const absent = (conflicts: readonly Conflict[]): Partial<Pick<Found, Conflict["object"]>> =>
  Object.fromEntries(conflicts.map(({ object }) => [object, { kind: "absent" }]));

function classifyOurs(found: Found): Stored | Stall {
  const { ring, recovery } = found;
  if (ring.kind === "unreadable" && !recovery) {
    return stall(
      "RingUnreadable",
      `the ring object can't be read: ${ring.problem}; request a recovery to rebuild it from its projections`,
    );
  }
  return rolledBack(found) ?? damaged(found) ?? within(found, stored(found));
}

/** What is wrong with keys in an adoptable form where there is a ring already: they are ours only if the ring knows the key. */
export function strangeSigner(found: Found): string | undefined {
  const { ring, signer, recovery } = found;
  if (signer.kind !== "adoptable" || rings(found).length === 0) return undefined;
  // That is said first, and a recovery takes its copies all the same
  if (ring.kind === "unreadable" && !recovery) return undefined;
  const { signer: key } = signer;
  const isKnown = (other: IdentifiedKey): boolean => other.kid === key.kid && thumbprintOf(other) === thumbprintOf(key);
  if (rings(found).some((one) => [...keysOf(one), ...one.revoked].some(isKnown))) return undefined;
  return "it holds a key that the ring does not know; move it away, or remove the ring to adopt it";
}

/**
 * A person may bring more keys than a ring has room for, beside a standby and one for emergencies; or keys that contradict
 * it: of two keys under one kid one would be refused without a word, and of one key under two kids a revocation would leave one.
 */
function within(found: Found, stored: Stored): Stored | Stall {
  const brought = found.recovery?.alsoVerify ?? [];
  if (stored.kind === "ring") return stored;
  const left = keysLeft(found);
  const existing = left.length > 0 ? left : [{ kid: "the signer" }];
  const others: readonly IdentifiedKey[] = stored.kind === "lost" ? keysOf(stored.remains) : existing;
  for (const key of brought) {
    const why = others.map((other) => contradiction(key, other)).find((text) => text !== undefined);
    if (why !== undefined) return stall("RecoveryRefused", `the recovery brings key ${shortKid(key.kid)}, ${why}`);
  }
  const room = Math.max(0, ordinaryKeyLimit - 1 - others.length);
  const more = new Set(brought.map((k) => k.kid).filter((kid) => !others.some((k) => k.kid === kid))).size;
  if (more <= room) return stored;
  return stall("RecoveryRefused", `the recovery brings ${more} keys, and the ring has room for ${room}: bring fewer`);
}

function contradiction(key: IdentifiedKey, other: IdentifiedKey): string | undefined {
  const isSame = thumbprintOf(key) === thumbprintOf(other);
  if (isSame === (key.kid === other.kid)) return undefined;
  return isSame
    ? `which is there under the kid ${shortKid(other.kid)}: leave it out`
    : "and another key has that kid already: leave it out";
}

function stored(found: Found): Stored {
  const { ring, recovery } = found;
  const newest = newestProjection(found);
  const generationFloor = Math.max(highestStored(found), highestClaim(found));
  const isNewest = ring.kind === "ring" && ring.ring.generation >= (newest?.generation ?? 0) && !isLeftBehind(found);
  if (isNewest && !isFork(found, ring.ring)) {
    return { kind: "ring", ring: ring.ring, projections: projectionsOf(found) };
  }
  const alsoVerify = recovery?.alsoVerify ?? [];
  const remains = latest(
    ring.kind === "ring" ? ring.ring : undefined,
    newest,
    ...earlierCopies(found).map((c) => c.ring),
  );
  if (remains) {
    const baseGeneration = ring.kind === "ring" ? ring.ring.generation : 0;
    const why = recovery ? "recoveryRequested" : "ringLost";
    return {
      kind: "lost",
      generationFloor,
      baseGeneration,
      remains: united(found, remains),
      halves: halvesOf(found, remains),
      why,
      alsoVerify: recovery ? [...alsoVerify, ...newTo(remains, found)] : [],
    };
  }
  const [first, ...others] = keysLeft(found);
  if (first && canSign(found, first)) {
    return { kind: "adoptable", generationFloor, signer: first, verifyOnly: [...others, ...alsoVerify] };
  }
  const verified = [...(first ? [first] : []), ...others, ...alsoVerify];
  return { kind: "nothing", generationFloor, ...(verified.length > 0 && { alsoVerify: verified }) };
}

/**
 * A projection of the same generation with other keys: the ring is a backup of one that was never published. Who has the
 * other one would never take this one over, since its generation is no higher.
 */
function isFork({ signer, public: open }: Found, ring: Ring): boolean {
  const kids = new Set(keysOf(ring).map((k) => k.kid));
  return [signer, open].some((reading) => {
    if (reading.kind !== "ring" || reading.ring.generation !== ring.generation) return false;
    const others = keysOf(reading.ring);
    return others.length !== kids.size || others.some((k) => !kids.has(k.kid));
  });
}

/** Somebody has seen a ring that none of the three objects has, or comes from: all of them are older, grew from an older one, or are gone. */
function rolledBack(found: Found): Stall | undefined {
  if (found.recovery || !isLeftBehind(found)) return undefined;
  const highest = highestStored(found);
  const have = highest === 0 ? "there is no ring any more" : `the newest ring here has generation ${highest}`;
  const ahead = claimsAhead(found);
  const [who, saw] =
    ahead.length > 0
      ? [ahead, `saw a newer ring, and ${have}`]
      : [
          claimsOfOtherLine(found),
          `saw a ring that the one here does not come from: it grew from an older copy; ${have}`,
        ];
  return stall("RingRolledBack", `${namesOf(who)} ${saw}; restore it or request a recovery`);
}

function namesOf(claims: Found["claims"]): string {
  const named = claims.slice(0, mostNamed).map((c) => `${c.by} (generation ${c.generation})`);
  const more = claims.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

function claimsAhead(found: Found): Found["claims"] {
  const highest = highestStored(found);
  return credibleClaims(found).filter((c) => c.generation > highest);
}

function claimsOfOtherLine(found: Found): Found["claims"] {
  const newest = newestRing(found);
  return newest ? credibleClaims(found).filter((c) => isOtherLine(newest, c)) : [];
}

const isLeftBehind = (found: Found): boolean => claimsAhead(found).length > 0 || claimsOfOtherLine(found).length > 0;

/** A damaged projection of ours proves that there was a ring, which is never made anew. */
function damaged(found: Found): Stall | undefined {
  const remnant = [found.signer, found.public].find((r) => r.kind === "unreadable");
  if (found.recovery || !remnant || rings(found).length > 0) return undefined;
  const what = `the ring object is gone, and what is left of its projections can't be read: ${problemOf(remnant)}`;
  return stall("RingUnreadable", `${what}; restore it or request a recovery`);
}

const stall = (reason: Stall["reason"], message: string): Stall => ({ kind: "stalled", reason, message });
const problemOf = (reading: Reading): string => ("problem" in reading ? reading.problem : reading.kind);

/** Every ring that can be read in one of the three objects. */
export const rings = (found: Found): readonly Ring[] =>
  [found.ring, found.signer, found.public].flatMap((r) => (r.kind === "ring" ? [r.ring] : []));
const latest = (...candidates: readonly (Ring | undefined)[]): Ring | undefined =>
  candidates.reduce((a, b) => ((b?.generation ?? 0) > (a?.generation ?? 0) ? b : a), undefined);
const highestStored = (found: Found): number => Math.max(0, ...rings(found).map((r) => r.generation));
/** What a gateway has seen, by its own word. */
export const claimOfAck = (by: string, { generation, writeId }: Ack): Found["claims"][number] => ({
  by,
  generation,
  ...(writeId !== undefined && { writeId }),
});
/** Who claims what the rotation's own status says. */
export const statusClaim = "the status";

const credibleClaims = ({ claims, nowMs }: Found): Found["claims"] =>
  claims.filter((c) => c.generation <= Math.floor(nowMs / 1000) + credibleLead);
const highestClaim = (found: Found): number => Math.max(0, ...credibleClaims(found).map((c) => c.generation));

/** The newest that can be read, in whichever object: what is remembered of the settings. */
export const newestRing = (found: Pick<Found, "ring" | "signer" | "public">): Ring | undefined =>
  latest(...[found.ring, found.signer, found.public].map((r) => (r.kind === "ring" ? r.ring : undefined)));

const newestProjection = ({ signer, public: open }: Found): Ring | undefined =>
  latest(signer.kind === "ring" ? signer.ring : undefined, open.kind === "ring" ? open.ring : undefined);

/** A revocation that any copy remembers holds, up to the bound of the list: what the spec still names is added again. */
function united(found: Found, remains: Ring): Ring {
  const known = new Set(remains.revoked.map((r) => r.kid));
  const revoked = [...remains.revoked];
  for (const r of [...rings(found), ...earlierCopies(found).map((c) => c.ring)].flatMap((ring) => ring.revoked)) {
    if (!known.has(r.kid)) revoked.push(r);
    known.add(r.kid);
  }
  return { ...remains, revoked: revoked.sort((a, b) => a.revokedAtMs - b.revokedAtMs).slice(-revokedLimit) };
}

const projectionsOf = ({ signer, public: open }: Found): { signer?: Projection; public?: Projection } => ({
  ...(signer.kind === "ring" && { signer: projectionOf(signer.ring) }),
  ...(open.kind === "ring" && { public: projectionOf(open.ring) }),
});
const projectionOf = (ring: Ring): Projection => ({
  generation: ring.generation,
  kids: keysOf(ring).map((k) => k.kid),
});
