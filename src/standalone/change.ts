import type { Change } from "../ring/change.ts";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readPublicJwks } from "../crypto/brought.ts";
import { removeIfThere } from "../files/atomic.ts";
import type { Disk } from "../files/disk.ts";
import { errnoOf } from "../files/errors.ts";
import { TryLaterError } from "../ring/errors.ts";
import type { Kid } from "../ring/key.ts";
import { counts } from "../ring/spec/limits.ts";
import { parseRotation } from "../ring/spec.ts";
import { modes, type Layout } from "./layout.ts";
import { parseOverrides, readOverrides, writeOverrides, type Overrides } from "./overrides.ts";
import { effective } from "./resource.ts";

export interface Asked {
  readonly change: Change;
  /** The config without overrides. */
  readonly resource: unknown;
  /** Kids that the ring remembers as revoked: the overrides need not, when they grow too long. */
  readonly revoked: readonly Kid[];
  readonly nowMs: number;
}

const claimLifeMs = 10_000;
const mostTries = 100;

/**
 * Writes a change into overrides.json, if the rotation with it is still one that `parseRotation` takes. Two tools at the
 * same time come one after the other: no request is lost.
 *
 * @throws ChangeNeededError `InvalidSpec` with the same words as for the config, `OverridesUnreadable`, `InvalidJwks`
 */
export async function changeOverrides(disk: Disk, layout: Layout, asked: Asked): Promise<void> {
  const claim = join(layout.dir, ".overrides.claim");
  await takeClaim(disk, claim, asked.nowMs);
  try {
    const next = parseOverrides(JSON.stringify(withChange(await readOverrides(disk, layout.overrides), asked)));
    const { rotation } = effective(asked.resource, next);
    const { change, nowMs } = asked;
    if (change.kind === "recover" && change.jwks !== undefined) {
      readPublicJwks(change.jwks, { createdAtMs: nowMs, algorithm: rotation.policy.profile.algorithm });
    }
    await writeOverrides(disk, layout.overrides, next);
  } finally {
    await removeIfThere(disk, claim);
  }
}

/** A claim is held for milliseconds; an old one is what a crash has left. */
async function takeClaim(disk: Disk, claim: string, nowMs: number): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
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
export function withChange(before: Overrides, { change, resource, revoked }: Asked): Overrides {
  switch (change.kind) {
    case "rotate":
      return { ...before, rotateRequestedAt: change.requestedAt };
    case "pin":
      return { ...before, activeKid: change.kid ?? "" };
    case "revoke":
      return unpinned(withRevoked(before, change, revoked), change.kid, resource);
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
  const recoverRequestedAt = new Date(requestedAtMs).toISOString();
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

/** Revocation wins over a pin, whoever pinned. */
function unpinned(overrides: Overrides, kid: Kid, resource: unknown): Overrides {
  const pinned = overrides.activeKid ?? parseRotation(resource).policy.pinnedKid;
  return pinned === kid ? { ...overrides, activeKid: "" } : overrides;
}

const laterOf = (before: string | undefined, atMs: number): string =>
  new Date(Math.max(atMs, before === undefined ? -Infinity : Date.parse(before))).toISOString();
