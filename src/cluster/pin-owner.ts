import { managedFieldsOf } from "../kube/managed-fields.ts";
import type { KubeObject } from "../kube/object.ts";
import { membersOf } from "../parse/object.ts";
import type { PinFacts } from "../ring/pin-facts.ts";
import { lastStatus } from "./last-status.ts";

/** Where a pin stands. */
export const pinPath = ["spec", "activeKid"] as const;

/** True while the spec pins a key, be it a good one or not. */
export function isPinning(resource: KubeObject): boolean {
  const kid = membersOf(resource["spec"])["activeKid"];
  return kid !== undefined && kid !== "";
}

/** Who has set the pin, by `metadata.managedFields`, and since when it holds, by the last report. Undefined without a pin. */
export function pinFactsOf(resource: KubeObject): PinFacts | undefined {
  if (!isPinning(resource)) return undefined;
  const setBy = managedFieldsOf(resource).filter(({ owns }) => owns(pinPath));
  const past = lastStatus(resource).conditions.find(({ type }) => type === "Pinned");
  const sinceMs = past?.status === "True" ? Date.parse(past.lastTransitionTime) : NaN;
  return {
    setBy: [...new Set(setBy.map(({ manager }) => manager))],
    ...(!Number.isNaN(sinceMs) && { sinceMs }),
  };
}
