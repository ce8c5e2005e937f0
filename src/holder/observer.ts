import type { Log } from "../telemetry/log.ts";
import type { HolderMetrics } from "./holder-metrics.ts";
import type { HolderObserver } from "./ring-memory.ts";
import type { HolderState, Source } from "./state.ts";
import { isReady, whyNotReady } from "./state-view.ts";

const sources: readonly (Source | "ack")[] = ["mount", "watch", "truth", "ack"];

/** Logs and counts what changes, once for each change. */
export function newObserver(log: Log, metrics: Pick<HolderMetrics, "swapped" | "unfit">): HolderObserver {
  return {
    swapped: ({ current, refused }, tookMs) => {
      metrics.swapped(tookMs);
      const { generation, signer } = current?.ring ?? {};
      log.info({ generation, signer: signer?.kid, revoked: refused.size }, "ring taken");
    },
    changed: (before, after) => {
      for (const source of sources) tellProblem(source, before, after);
      if (isReady(before) !== isReady(after)) {
        if (isReady(after)) log.info({ degraded: after.degraded }, "ready");
        else log.warn({ reason: whyNotReady(after) }, "not ready");
      } else if (before.degraded !== after.degraded) {
        log.info({ degraded: after.degraded }, "the source of truth answers again");
      }
      if (after.acked !== before.acked && after.acked) {
        log.debug({ generation: after.acked.generation }, "acknowledged");
      }
    },
  };

  function tellProblem(source: Source | "ack", before: HolderState, after: HolderState): void {
    const problem = after.problems[source];
    if (problem === before.problems[source]) return;
    if (problem === undefined) {
      log.info({ source }, "the source is well again");
      return;
    }
    if (source !== "ack") metrics.unfit(source);
    log.warn({ source, problem }, after.current ? "the ring in memory goes on" : "there is no ring yet");
  }
}
