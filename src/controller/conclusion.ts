import { hasProgressed, type PassReport } from "../keeper/pass.ts";
import { quarrelRestMs } from "../keeper/quarrel.ts";
import { mayWorkLater } from "../kube/kube-errors.ts";
import type { KubeObject } from "../kube/object.ts";
import { statusReport } from "../ring/status.ts";
import { viewOf } from "../ring/view.ts";
import type { ReconcileOutcome } from "../runtime/reconcile-loop.ts";
import { nextLookMs } from "./next-look.ts";
import { outcomeOf } from "./outcome.ts";
import { type StatusFacts, withReport, withTrouble } from "./status-report.ts";
import { stallEvents } from "./step-events.ts";
import { clientFor, monotonicMs, type ReconcilerParts, refOf, type Turn, wholeNowMs } from "./turn.ts";
import { urgencyOf } from "./urgency.ts";
import { writeReport } from "./write-report.ts";

/** What follows a turn, or why it failed. */
export type Next = ReconcileOutcome | { readonly failure: unknown };

/** What the passes of a turn leave to be said and done. */
export interface Conclusion {
  /** The resource with the status that it is to have; undefined: it has it, or it is too early to say. */
  readonly after?: KubeObject | undefined;
  /** The status then says everything that was done. */
  readonly isWhole?: true;
  readonly next: Next;
}

/** After passes that came to their end. */
export function conclude(parts: ReconcilerParts, turn: Turn, report: PassReport): Conclusion {
  const { resource, memory, quarrel } = turn;
  const { decision, seen } = report;
  const { observation, unseen } = seen;
  // An emergency did not wait for it; there is nothing to say before it is known
  if (unseen && mayWorkLater(unseen)) return concludeFailure(parts, turn, unseen);
  memory.failingSinceMs = undefined;
  if (hasProgressed(report) && !(quarrel && memory.isOwed)) {
    memory.isOwed = true;
    // What a pass wrote is seen by a later one only, which comes before others begin: it is the one that reports
    return { next: { requeueAfterMs: 0, urgency: "begun" } };
  }
  const [failed] = report.unwritten;
  const unwritten = failed && outcomeOf(failed.error, { urgency: urgencyOf(resource), failingMs: 0 }).stalled;
  const rival = memory.rivals.trouble ?? quarrel;
  const besides = { ...(unwritten && { unwritten }), ...(rival && { rival }) };
  const status = statusReport(viewOf(observation, { decision, ...besides }));
  parts.metrics.seen(observation.rotation, status, decision);
  const after = withReport(resource, { report: status, ...reporter(parts, observation.found.nowMs) }, memory.untold);
  const { chance } = parts.client.transport;
  const waitMs = nextLookMs(report, { count: parts.count(), chance });
  const next = { requeueAfterMs: quarrel ? Math.min(quarrelRestMs, waitMs) : waitMs };
  return { after, isWhole: true, next: failed ? { failure: failed.error } : next };
}

/** After one that failed. */
export function concludeFailure(
  parts: ReconcilerParts,
  { resource, memory, signal }: Turn,
  error: unknown,
): Conclusion {
  const nowMs = monotonicMs(parts);
  const urgency = urgencyOf(resource);
  const { stalled, next } = outcomeOf(error, { urgency, failingMs: nowMs - (memory.failingSinceMs ?? nowMs) });
  if (stalled === undefined && next === undefined) memory.failingSinceMs ??= nowMs;
  if (stalled === undefined) return { next: next ?? { failure: error } };
  // Nothing is written any more; who comes next sees it again
  if (signal.aborted) return { next: { failure: error } };
  parts.metrics.troubled(refOf(resource), urgency === "emergency");
  const after = withTrouble(resource, stalled, reporter(parts, wholeNowMs(parts)));
  return { after, next: next ?? { failure: error } };
}

/** The one place where a status is written, if it says something new. Returns what follows. */
export async function tell(parts: ReconcilerParts, turn: Turn, { after, isWhole, next }: Conclusion): Promise<Next> {
  const { resource, memory, signal } = turn;
  const { lag, record } = parts;
  try {
    if (after !== undefined) {
      for (const told of stallEvents(resource, after)) record({ regarding: resource, ...told });
      const written = await writeReport(clientFor(parts, turn), { before: resource, after }, signal);
      if (written) memory.rivals.reported(written);
    }
  } catch (error) {
    // Where the whole server is away the status can't be written either
    const isAway = "failure" in next && mayWorkLater(next.failure);
    return isAway ? next : concludeFailure(parts, turn, error).next;
  }
  if (isWhole) {
    memory.toldAll();
    lag.reported(refOf(resource));
  }
  return next;
}

const reporter = ({ lease }: ReconcilerParts, nowMs: number): Pick<StatusFacts, "nowMs" | "lease"> => ({
  nowMs,
  ...(lease !== undefined && { lease }),
});
