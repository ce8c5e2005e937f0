import { type KubeObject } from "../kube/object.ts";
import type { Urgency } from "../runtime/queue-entry.ts";
import { lastStatus } from "../cluster/last-status.ts";
import { isObject } from "../parse/object.ts";

/** How urgent a resource is: it asks for a revocation, and no pass has yet reported that it is carried out. */
export function urgencyOf(resource: KubeObject | undefined): Urgency {
  const [spec, status] = [resource?.["spec"], resource?.["status"]];
  if (resource === undefined || !isObject(spec)) return "ordinary";
  const { revokedKids, revokeKeysCreatedBefore } = spec;
  const isAsked = (Array.isArray(revokedKids) && revokedKids.length > 0) || revokeKeysCreatedBefore !== undefined;
  if (!isAsked) return "ordinary";
  const isObserved = isObject(status) && status["observedGeneration"] === resource.metadata.generation;
  const isPending = lastStatus(resource).conditions.some(
    ({ type, status: is }) => type === "RevocationPending" && is === "True",
  );
  return isObserved && !isPending ? "ordinary" : "emergency";
}
