import { readPublicJwks } from "../../crypto/brought.ts";
import type { Observation } from "../../ring/decide.ts";
import type { Policy } from "../../ring/plan.ts";
import type { Change } from "../../ring/change.ts";

/** What would be read if the change had been asked for: for a look at what comes of it, before anything is done. */
export function withChange(seen: Observation, change: Change): Observation {
  const { policy, requests, found } = seen;
  switch (change.kind) {
    case "rotate":
      return { ...seen, requests: [...requests, `supposed:${change.requestedAt}`] };
    case "pin":
      return { ...seen, policy: { ...unpinned(policy), ...(change.kid !== undefined && { pinnedKid: change.kid }) } };
    case "revoke": {
      const { kid, reason } = change;
      return { ...seen, policy: { ...policy, revokedKids: [...policy.revokedKids, { kid, reason }] } };
    }
    case "revokeCreatedBefore":
      return { ...seen, policy: { ...policy, revokeCreatedBeforeMs: change.atMs } };
    case "recover":
      return { ...seen, found: { ...found, recovery: { alsoVerify: broughtBy(change, seen) } } };
    default:
      return change satisfies never;
  }
}

/** What the one who runs the rotation will read of it. @throws ChangeNeededError `InvalidJwks` */
function broughtBy({ jwks }: Extract<Change, { kind: "recover" }>, { policy, found }: Observation) {
  if (jwks === undefined) return [];
  const algorithm = policy.adoptionAlgorithm ?? policy.profile.algorithm;
  return readPublicJwks(jwks, { createdAtMs: found.nowMs, algorithm }).keys;
}

function unpinned({ pinnedKid: _pinnedKid, ...policy }: Policy): Policy {
  return policy;
}
