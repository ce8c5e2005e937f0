import { errnoOf } from "../../errors/errno-words.ts";
import type { Change } from "../../ring/change.ts";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readPublicJwks } from "../../crypto/brought.ts";
import { removeIfThere } from "../../files/atomic.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { Algorithm, Kid } from "../../ring/key.ts";
import { counts } from "../../ring/resource/limits.ts";
import { modes, type Layout } from "../store/layout.ts";
import { parseOverrides, readOverrides, writeOverrides, type Overrides } from "./overrides.ts";
import { formatInstant } from "../../parse/instant.ts";

export interface OverrideRequest {
  readonly change: Change;
  /** Whose pin it is makes no difference. */
  readonly pinnedKid: Kid | undefined;
  /** Of new keys. */
  readonly algorithm: Algorithm;
  /** Kids that the ring remembers as revoked: the overrides need not, when they grow too long. */
  readonly revoked: readonly Kid[];
  readonly nowMs: number;
}

const claimLifeMs = 10_000;
const mostClaimTries = 100;

/** True for what nothing may be in the way of. */
export const isEmergency = ({ kind }: Change): boolean => kind === "revoke" || kind === "revokeCreatedBefore";

/**
 * Writes a change into overrides.json. Two tools at the same time come one after the other: no request is lost. A file that is
 * damaged is set aside for an emergency, and what can be read of it stays; else it is left for a person to mend.
 *
 * @throws ChangeNeededError `OverridesUnreadable`, `InvalidJwks`
 */
export async function changeOverrides(disk: Disk, layout: Layout, asked: OverrideRequest): Promise<void> {
  const claim = join(layout.dir, ".overrides.claim");
  await takeClaim(disk, claim, asked.nowMs);
  try {
    const { change, nowMs, algorithm } = asked;
    const { overrides, problem } = await readOverrides(disk, layout.overrides);
    if (problem && !isEmergency(change)) throw problem;
    const next = parseOverrides(JSON.stringify(overridesWith(overrides, asked)));
    if (change.kind === "recover" && change.jwks !== undefined) {
      readPublicJwks(change.jwks, { createdAtMs: nowMs, algorithm });
    }
    if (problem) await disk.rename(layout.overrides, join(layout.dir, await damagedName(disk, layout)));
    await writeOverrides(disk, layout.overrides, next);
  } finally {
    await removeIfThere(disk, claim);
  }
}

/** How a damaged overrides.json is called where it is set aside: nothing that was set aside before is written over. */
export async function damagedName(disk: Reader, { dir, overrides }: Layout): Promise<string> {
  const name = `${basename(overrides)}.damaged`;
  const taken = new Set(await disk.names(dir));
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}.${number}`)) number++;
  return `${name}.${number}`;
}

/** A claim is held for milliseconds; an old one is what a crash has left. */
async function takeClaim(disk: Disk, claim: string, nowMs: number): Promise<void> {
  for (let tries = 0; tries < mostClaimTries; tries++) {
    try {
      await disk.writeNew(claim, "", modes.secretFile);
      return;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    const found = await disk.entry(claim);
    if (found && nowMs - found.changedAtMs > claimLifeMs) await removeIfThere(disk, claim);
    else await sleep(20);
  }
  throw new TryLaterError("Conflict", `Cannot write "${claim}": must not be there, another tool is at work`);
}

/** The overrides with the change; nothing is checked. */
function overridesWith(before: Overrides, { change, pinnedKid, revoked }: OverrideRequest): Overrides {
  switch (change.kind) {
    case "rotate":
      return { ...before, rotateRequestedAt: change.requestedAt };
    case "pin":
      return { ...before, activeKid: change.kid ?? "" };
    case "revoke":
      return unpinned(withRevoked(before, change, revoked), change.kid, pinnedKid);
    case "revokeCreatedBefore":
      return { ...before, revokeKeysCreatedBefore: laterOf(before.revokeKeysCreatedBefore, change.atMs) };
    case "recover":
      return withRecovery(before, change);
    default:
      return change satisfies never;
  }
}

/** Keys that were brought along to an earlier recovery are not brought along again. */
function withRecovery(before: Overrides, { requestedAtMs, jwks }: Extract<Change, { kind: "recover" }>): Overrides {
  const recoverRequestedAt = formatInstant(requestedAtMs);
  const others = Object.fromEntries(Object.entries(before).filter(([name]) => name !== "recoverJwks"));
  return { ...others, recoverRequestedAt, ...(jwks !== undefined && { recoverJwks: jwks }) };
}

function withRevoked(
  before: Overrides,
  { kid, reason }: { kid: Kid; reason: string },
  known: readonly Kid[],
): Overrides {
  const others = (before.revokedKids ?? []).filter((entry) => entry.kid !== kid);
  // Half of what a spec may have, the rest is the config's: the ring remembers what goes
  const room = counts.revokedKids / 2 - 1;
  const kept = others.length <= room ? others : others.filter((entry) => !known.includes(entry.kid));
  return { ...before, revokedKids: [...kept, { kid, ...(reason !== "" && { reason }) }] };
}

/** A pin on a revoked key counts for nothing, whoever pinned: it goes, so that nobody takes it for one that holds. */
const unpinned = (overrides: Overrides, kid: Kid, pinnedKid: Kid | undefined): Overrides =>
  (overrides.activeKid ?? pinnedKid) === kid ? { ...overrides, activeKid: "" } : overrides;

const laterOf = (before: string | undefined, atMs: number): string =>
  new Date(Math.max(atMs, before === undefined ? -Infinity : Date.parse(before))).toISOString();
