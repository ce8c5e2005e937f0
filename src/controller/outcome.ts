import { ChangeNeededError, isConflict } from "../errors/keyturn-error.ts";
import { ApiError, isStopped, KubeError, mayWorkLater } from "../kube/kube-errors.ts";
import type { Because } from "../ring/lack.ts";
import { revocationPatienceMs } from "../ring/pending.ts";
import type { Urgency } from "../runtime/queue-entry.ts";
import type { ReconcileOutcome } from "../runtime/reconcile-loop.ts";
import { longestLookMs } from "./next-look.ts";

/** What follows from an error of a pass. */
export interface Outcome {
  /** `Stalled` in the status: a person must act. Absent: the status stays as it is. */
  readonly stalled?: Because;
  /** When to come again. Absent: it is a failure, logged and tried again after the queue's own back-off. */
  readonly next?: ReconcileOutcome;
}

export interface FailureFacts {
  readonly urgency: Urgency;
  /** For how long every pass has failed in a way that may pass by itself, in milliseconds. */
  readonly failingMs: number;
}

/** So long may every pass fail without a word in the status, in milliseconds. */
const failingPatienceMs = 30_000;
/** Between passes that somebody else's write came before: a second look is enough in most cases. */
const conflictBackoff = { baseMs: 100, maxMs: 30_000 };
const emergencyBackoff = { baseMs: 100, maxMs: 1000 };

/**
 * Which error leads where:
 *
 * | error                                             | status              | next                         | log |
 * | ------------------------------------------------- | ------------------- | ---------------------------- | --- |
 * | somebody else's write came first                  |                     | soon, by a back-off          |     |
 * | a person must change something                    | Stalled, its code   | on a change, or in an hour   |     |
 * | the API server refuses for good                   | Stalled, ApiRefused | after the queue's back-off   | yes |
 * | no answer, or none that counts, for half a minute | Stalled, ApiFailing | after the queue's back-off   | yes |
 * | the same, at first; all else                      |                     | after the queue's back-off   | yes |
 */
export function outcomeOf(error: unknown, { urgency, failingMs }: FailureFacts): Outcome {
  if (isConflict(error)) return { next: { backoff: urgency === "emergency" ? emergencyBackoff : conflictBackoff } };
  if (error instanceof ChangeNeededError) {
    return { stalled: { reason: error.code, message: error.message }, next: { requeueAfterMs: longestLookMs } };
  }
  // Neither the server nor the resource is to blame for a call that we stopped ourselves
  if (!(error instanceof KubeError) || isStopped(error)) return {};
  const { message } = error;
  if (error instanceof ApiError && !mayWorkLater(error)) return { stalled: { reason: "ApiRefused", message } };
  const patienceMs = urgency === "emergency" ? revocationPatienceMs : failingPatienceMs;
  // One object that the server can't read is seen nowhere else
  return failingMs < patienceMs ? {} : { stalled: { reason: "ApiFailing", message } };
}
