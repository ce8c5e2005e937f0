import type { Observation } from "../ring/decide.ts";
import type { Policy } from "../ring/plan.ts";
import type { Change } from "../ring/change.ts";

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
      return { ...seen, found: { ...found, recovery: { alsoVerify: [] } } };
    default:
      return change satisfies never;
  }
}

function unpinned({ pinnedKid: _pinnedKid, ...policy }: Policy): Policy {
  return policy;
}
