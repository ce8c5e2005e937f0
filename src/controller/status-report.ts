import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../kube/object.ts";
import type { Condition } from "../ring/conditions.ts";
import { describeStep } from "../ring/describe.ts";
import type { Because } from "../ring/lack.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { StatusReport } from "../ring/status.ts";
import { columnsOf } from "./table-cells.ts";
import { holds } from "../ring/view.ts";
import { urgencyOf } from "./urgency.ts";
import { isSameStall, lastStatus, type PastCondition } from "../cluster/last-status.ts";
import { membersOf } from "../parse/object.ts";

/** Something that a pass did, for `status.history`. */
export interface Deed {
  readonly atMs: number;
  readonly step: NamedStep;
}

/** What a pass saw, as a report. */
export interface StatusFacts {
  readonly report: StatusReport;
  readonly nowMs: number;
  /** `namespace/name` of the Lease that whoever reports holds; absent where it needs none. */
  readonly lease?: string;
}

const mostDeeds = 10;

/** The resource with the status that follows from a pass, or undefined when that is the one it has. */
export function withReport(resource: KubeObject, seen: StatusFacts, deeds: readonly Deed[]): KubeObject | undefined {
  const { conditions, gateways, ringGeneration, nextRotationTime, ...report } = seen.report;
  const summary = `${gateways.acknowledged}/${gateways.expected}`;
  const history = [...deeds.toReversed().map(deedReport), ...lastStatus(resource).history].slice(0, mostDeeds);
  return withStatus(resource, {
    ...common(resource, conditions, seen.nowMs),
    ...report,
    // What holds Ready up holds up the next rotation, too
    ...(nextRotationTime !== undefined && holds(seen.report, "Ready") && { nextRotationTime }),
    columns: columnsOf(seen.report, seen.nowMs),
    ...highest(resource, ringGeneration),
    gateways: { ...gateways, summary },
    ...(seen.lease !== undefined && { lease: seen.lease }),
    history,
  });
}

/** What was seen once is remembered while there is no ring, or an old one: else a ring that was lost would be made anew. */
function highest(resource: KubeObject, ringGeneration = 0): { readonly ringGeneration?: number } {
  const generation = Math.max(ringGeneration, lastStatus(resource).ringGeneration ?? 0);
  return generation === 0 ? {} : { ringGeneration: generation };
}

/** The same when nothing could be seen or done, and a person must act: what was known of the ring stands as it was, nothing of what was to come. */
export function withTrouble(
  resource: KubeObject,
  trouble: Because,
  { nowMs, lease }: Pick<StatusFacts, "nowMs" | "lease">,
): KubeObject | undefined {
  const before = resource["status"];
  const isPending = urgencyOf(resource) === "emergency";
  const conditions: readonly Condition[] = [
    { type: "Ready", status: "False", ...trouble },
    { type: "Stalled", status: "True", ...trouble },
    ...(isPending ? [revocationPending(trouble.message)] : []),
  ];
  const kept = lastStatus(resource).conditions.filter(
    ({ type }) => type !== "Reconciling" && !conditions.some((one) => one.type === type),
  );
  const stated = common(resource, conditions, nowMs);
  const others = Object.fromEntries(Object.entries(membersOf(before)).filter(([field]) => !outdated.includes(field)));
  const { active } = membersOf(membersOf(before)["columns"]);
  const columns = active === undefined ? {} : { columns: { active } };
  const by = lease === undefined ? {} : { lease };
  return withStatus(resource, {
    ...{ ...others, ...stated, ...by, ...columns, waitingFor: trouble.message },
    conditions: [...stated.conditions, ...kept],
  });
}

/** What an earlier pass foresaw, or counted: it is not so any more. */
const outdated = ["lease", "nextRotationTime", "columns", "gateways", "plan", "waitingFor"];

const revocationPending = (why: string): Condition => ({
  ...{ type: "RevocationPending", status: "True", reason: "RevocationPending" },
  message: `nobody knows whether a revocation is carried out: ${why}`,
});

function common(resource: KubeObject, conditions: readonly Condition[], nowMs: number) {
  const { generation = 0 } = resource.metadata;
  const before = lastStatus(resource).conditions;
  return {
    observedGeneration: generation,
    conditions: conditions.map((condition) => ({
      ...condition,
      observedGeneration: generation,
      lastTransitionTime: transitionTime(condition, before, nowMs),
    })),
  };
}

/** When the status of the condition changed last. Another stall than before begins anew, as if it had been gone between. */
function transitionTime(condition: Condition, before: readonly PastCondition[], nowMs: number): string {
  const past = before.find(({ type }) => type === condition.type);
  const isKept = past?.status === condition.status && past.lastTransitionTime !== "";
  const isSame = isKept && (condition.type !== "Stalled" || isSameStall(past.reason, condition.reason));
  return isSame ? past.lastTransitionTime : seconds(nowMs);
}

function deedReport({ atMs, step }: Deed): Readonly<Record<string, unknown>> {
  return {
    time: seconds(atMs),
    step: step.type,
    ...(step.kid !== undefined && { kid: step.kid }),
    message: describeStep(step),
  };
}

function withStatus(resource: KubeObject, status: object): KubeObject | undefined {
  return isDeepStrictEqual(resource["status"], status) ? undefined : { ...resource, status };
}

/** As `metav1.Time` is written: whole seconds. */
const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
