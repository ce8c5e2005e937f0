import { Counter, Registry } from "prom-client";
import { ChangeNeededError, type KeyturnError } from "../../errors/keyturn-error.ts";
import { storageError } from "../../files/storage-error.ts";
import { hasProgressed, type PassReport } from "../../keeper/pass.ts";
import { RotationMetrics } from "../../keeper/rotation-metrics.ts";
import type { Because } from "../../ring/lack.ts";
import { statusReport } from "../../ring/status.ts";
import { viewOf } from "../../ring/view.ts";
import { startAdminServer } from "../../telemetry/admin-server.ts";
import { Checks, liveness } from "../../telemetry/health.ts";
import { addProcessMetrics } from "../../telemetry/process-metrics.ts";
import type { Clocks } from "../../time/clock.ts";
import { RotationHealth } from "./rotation-health.ts";

export interface AdminOptions {
  /** @default every address of the machine */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** Who asks how the rotation is gets an answer there. */
export interface Admin {
  readonly port: number;
  /** After a pass that did not fail. */
  pass(report: PassReport): void;
  /** A pass failed, or could not write all that it should. */
  failure(error: KeyturnError): void;
  close(): Promise<void>;
}

/** Serves `/livez`, `/readyz` and `/metrics`. @throws ChangeNeededError `AddressUnusable` */
export async function openAdmin(address: AdminOptions, clock: Pick<Clocks, "nowMs">): Promise<Admin> {
  const registry = new Registry();
  const { metrics, failures } = standaloneMetrics(registry, () => clock.nowMs());
  addProcessMetrics(registry);
  const health = new RotationHealth();
  const ready = new Checks();
  ready.add("rotation", health.rotation);
  ready.add("settings", health.settings);
  const server = await startAdminServer({ ...address, live: liveness(), ready, registry });
  let last: PassReport | undefined;
  return {
    port: server.port,
    pass: (report) => {
      const { seen, decision, steps } = report;
      const { rotation } = seen.observation;
      last = report;
      for (const step of steps) metrics.done(rotation, step);
      const unwritten = unwrittenIn(report);
      const view = viewOf(seen.observation, { decision, forecast: [], ...(unwritten && { unwritten }) });
      health.pass(report, view);
      // What this pass did is seen by the next one only; in a quarrel each one has something to mend
      if (!hasProgressed(report) || seen.observation.rival) metrics.seen(rotation, statusReport(view), decision);
    },
    failure: (error) => {
      failures.inc();
      health.failure(error);
      if (last !== undefined && error instanceof ChangeNeededError) {
        metrics.troubled(last.seen.observation.rotation, false);
      }
    },
    close: () => server.close(),
  };
}

/** What is measured of standalone, beside the process. */
export function standaloneMetrics(
  registry: Registry,
  nowMs: () => number,
): { readonly metrics: RotationMetrics; readonly failures: Counter } {
  const failures = new Counter({
    name: "keyturn_pass_failures_total",
    help: "Passes that failed, or could not write all that they should",
    registers: [registry],
  });
  return { metrics: new RotationMetrics(registry, nowMs), failures };
}

/** What a person must mend before it can be written. */
function unwrittenIn({ unwritten: [first] }: PassReport): Because | undefined {
  const error = first && storageError(first.error);
  return error instanceof ChangeNeededError ? { reason: error.code, message: error.message } : undefined;
}
