import type { Kid } from "../key.ts";
import type { Policy } from "../plan.ts";
import { revokedKidsLimit } from "../ring.ts";
import { texts } from "./limits.ts";
import type { SpecFields } from "./policy.ts";
import { instantOf, textOf, textOrEmptyOf } from "../../parse/scalars.ts";
import { type Spot, fieldsOf } from "../../parse/spot.ts";

/** What is obeyed whatever else is wrong with the spec that it stands in. */
export interface Emergency {
  /** Absent where nothing is said of a pin; empty: no pin. */
  readonly pinnedKid?: Kid;
  readonly revokedKids: Policy["revokedKids"];
  readonly revokeCreatedBeforeMs?: number;
}

/**
 * What can be read of the emergency fields, each by itself: a bad entry beside good ones, or a bad reason beside a good kid,
 * takes nothing from the good. What is wrong is not noted here.
 */
export function readEmergency(at: SpecFields): Emergency {
  const pinnedKid = textOrEmptyOf(silent(at("activeKid")), texts.kid);
  const revokeCreatedBeforeMs = instantOf(silent(at("revokeKeysCreatedBefore")));
  return {
    ...(pinnedKid !== undefined && { pinnedKid }),
    revokedKids: readKids(silent(at("revokedKids"))),
    ...(revokeCreatedBeforeMs !== undefined && { revokeCreatedBeforeMs }),
  };
}

const silent = (spot: Spot): Spot => ({ ...spot, problems: [], unknown: [] });

function readKids(spot: Spot): Policy["revokedKids"] {
  const items: readonly unknown[] = Array.isArray(spot.value) ? spot.value : [];
  const byKid = new Map<Kid, Policy["revokedKids"][number]>();
  for (const value of items) {
    const entry = fieldsOf({ ...spot, value }, ["kid", "reason"]);
    const kid = textOf(entry("kid"), texts.kid);
    const reason = textOrEmptyOf(entry("reason"), texts.reason);
    if (kid !== undefined && !byKid.has(kid)) byKid.set(kid, { kid, ...(reason !== undefined && { reason }) });
  }
  return [...byKid.values()].slice(-revokedKidsLimit);
}
