import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CallReport } from "../kube/api-request.ts";
import type { ReconcileLoop, ReconcileLoopObserver } from "./reconcile-loop.ts";
import type { LeaderElector } from "./election.ts";
import type { EventRecorder } from "./events.ts";

const seconds = (ms: number): number => ms / 1000;

/** From one millisecond to ten minutes. */
const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

interface GaugeOptions<T extends string> {
  readonly labels: readonly T[];
  readonly collect?: () => void;
}

/** The metrics of a process, under the names of controller-runtime and client-go, so that their dashboards fit. */
export class Metrics {
  readonly registry = new Registry();
  readonly #calls = this.#counter("rest_client_requests_total", "API requests by code, method and host", [
    "code",
    "method",
    "host",
  ]);
  readonly #callSeconds = this.#histogram("rest_client_request_duration_seconds", "Seconds until an answer began", [
    "verb",
    "host",
  ]);
  readonly #reconciles = this.#counter("controller_runtime_reconcile_total", "Passes by their result", [
    "controller",
    "result",
  ]);
  readonly #errors = this.#counter("controller_runtime_reconcile_errors_total", "Passes that failed", ["controller"]);
  readonly #passSeconds = this.#histogram("controller_runtime_reconcile_time_seconds", "Seconds a pass took", [
    "controller",
  ]);
  readonly #active = this.#gauge("controller_runtime_active_workers", "Passes under way", { labels: ["controller"] });
  readonly #adds = this.#counter("workqueue_adds_total", "Keys added", ["name", "controller"]);
  readonly #retries = this.#counter("workqueue_retries_total", "Keys added after a failure", ["name", "controller"]);
  readonly #waitSeconds = this.#histogram("workqueue_queue_duration_seconds", "Seconds a key waited", [
    "name",
    "controller",
  ]);
  readonly #workSeconds = this.#histogram("workqueue_work_duration_seconds", "Seconds a key was worked on", [
    "name",
    "controller",
  ]);

  /** For `TransportOptions.onCall`. */
  readonly onCall = ({ method, host, code, durationMs }: CallReport): void => {
    this.#calls.inc({ code, method, host });
    this.#callSeconds.observe({ verb: method, host }, seconds(durationMs));
  };

  /** For `ReconcileLoopOptions.observer`; every result stands at 0 from the start. */
  observer(controller: string): ReconcileLoopObserver {
    const queue = { name: controller, controller };
    for (const result of ["success", "requeue_after", "error"]) this.#reconciles.inc({ controller, result }, 0);
    this.#errors.inc({ controller }, 0);
    this.#active.set({ controller }, 0);
    return {
      added: () => this.#adds.inc(queue),
      retried: () => this.#retries.inc(queue),
      taken: (waitedMs) => this.#waitSeconds.observe(queue, seconds(waitedMs)),
      finished: (workedMs) => this.#workSeconds.observe(queue, seconds(workedMs)),
      started: () => this.#active.inc({ controller }),
      ended: (result, tookMs) => {
        this.#active.dec({ controller });
        this.#reconciles.inc({ controller, result });
        if (result === "error") this.#errors.inc({ controller });
        this.#passSeconds.observe({ controller }, seconds(tookMs));
      },
    };
  }

  /**
   * What is asked for only when somebody looks: depths and ages of the queues.
   *
   * @throws Error when called a second time: a registry has each metric once
   */
  watchQueues(loops: readonly ReconcileLoop[]): void {
    const perQueue = (metric: string, help: string, read: (loop: ReconcileLoop) => number): void => {
      const collect = (): void => {
        for (const one of loops) gauge.set({ name: one.name, controller: one.name }, read(one));
      };
      const gauge = this.#gauge(metric, help, { labels: ["name", "controller"], collect });
    };
    perQueue("workqueue_depth", "Keys that wait", ({ depth }) => depth);
    perQueue("workqueue_unfinished_work_seconds", "Seconds of all work under way", ({ workingMs }) =>
      seconds(workingMs.reduce((sum, ms) => sum + ms, 0)),
    );
    perQueue("workqueue_longest_running_processor_seconds", "Seconds of the longest work under way", ({ workingMs }) =>
      seconds(Math.max(0, ...workingMs)),
    );
    const collect = (): void => {
      for (const one of loops) workers.set({ controller: one.name }, one.workers);
    };
    const name = "controller_runtime_max_concurrent_reconciles";
    const workers = this.#gauge(name, "Most passes at once", { labels: ["controller"], collect });
  }

  /** 1 while this process leads. */
  watchElection(name: string, elector: Pick<LeaderElector, "isLeader">): void {
    const collect = (): void => gauge.set({ name }, elector.isLeader ? 1 : 0);
    const help = "1: this process leads, 0: it does not";
    const gauge = this.#gauge("leader_election_master_status", help, { labels: ["name"], collect });
  }

  /** Events that could not be told, by the reason. */
  watchEvents(recorder: Pick<EventRecorder, "dropped">): void {
    const collect = (): void => {
      counter.reset();
      for (const [why, count] of Object.entries(recorder.dropped)) counter.inc({ why }, count);
    };
    const help = "Events that were not written: too many for one object, too many waiting, or refused";
    const name = "keyturn_events_dropped_total";
    const counter = new Counter({ name, help, labelNames: ["why"], registers: [this.registry], collect });
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram<T extends string>(name: string, help: string, labelNames: readonly T[]): Histogram<T> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }

  /** @param collect - Absent: somebody sets it; else it sets it when somebody looks */
  #gauge<T extends string>(name: string, help: string, { labels, collect }: GaugeOptions<T>): Gauge<T> {
    return new Gauge({ name, help, labelNames: labels, registers: [this.registry], ...(collect && { collect }) });
  }
}
