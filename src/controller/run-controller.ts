import type { Chance } from "../time/backoff.ts";
import { RotationMetrics } from "../keeper/rotation-metrics.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Clock } from "../time/clock.ts";
import type { Endpoint } from "../kube/endpoint.ts";
import type { Ref } from "../kube/resource.ts";
import type { PaceOptions } from "../kube/pace.ts";
import type { CallReport } from "../kube/api-request.ts";
import { Transport } from "../kube/transport.ts";
import type { RotationRef } from "../ring/ring.ts";
import { ReconcileLoop, type RunSignals, type Work } from "../runtime/reconcile-loop.ts";
import { type ElectionOptions, LeaderElector } from "../runtime/election.ts";
import { EventRecorder } from "../runtime/events.ts";
import { Checks } from "../telemetry/health.ts";
import { addProcessMetrics } from "../telemetry/process-metrics.ts";
import { runManager } from "../runtime/manager.ts";
import { Metrics } from "../runtime/controller-metrics.ts";
import { type AdminServer, startAdminServer } from "../telemetry/admin-server.ts";
import type { Leadership } from "../runtime/term.ts";
import { ControllerClients } from "./controller-clients.ts";
import { ForeignWrites } from "./foreign-writes.ts";
import { Reconciler } from "./reconciler.ts";
import type { ReconcilerParts } from "./turn.ts";
import { answerMs } from "./rival.ts";
import type { Deed } from "./status-report.ts";
import { StatusLag } from "./status-lag.ts";
import { measureWatches } from "./watch-metrics.ts";
import { Watches } from "./watches.ts";
import { eventReporter } from "../parse/api-names.ts";

/** What the controller says of itself, for a log. Never key material. */
export interface ControllerLog {
  deed(ref: RotationRef, deed: Deed, generation: number | undefined): void;
  /** A pass failed, and is tried again. */
  failure(key: string, error: unknown, retryAfterMs: number): void;
  /** A watch, an event or the election had trouble, and goes on. */
  problem(part: string, error: unknown): void;
  info(message: string): void;
}

export interface ControllerOptions {
  readonly endpoint: Endpoint;
  /** Those to look after. Empty: all. */
  readonly namespaces: readonly string[];
  /** Absent: no election, this process alone leads. */
  readonly lease?: Ref;
  /** @default those of {@link LeaderElector} */
  readonly leaseTimes?: Pick<ElectionOptions, "leaseDurationMs" | "renewDeadlineMs" | "retryPeriodMs">;
  /** Of this process, for the lease and for events: a pod's name and something random. */
  readonly identity: string;
  /** `/livez`, `/readyz` and `/metrics`. */
  readonly admin?: { readonly host?: string; readonly port: number };
  /** How many rotations are worked on at once, beside one that has a revocation. @default 10 */
  readonly workers?: number;
  /** Holds requests down to so many a second, and so many at once after a rest; those for the Lease are free. @default nothing but the server does */
  readonly rate?: Pick<PaceOptions, "perSecond" | "burst">;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly unique: () => string;
  readonly userAgent: string;
  readonly log: ControllerLog;
  /** Hears of every call to the API server. */
  readonly onCall?: (report: CallReport) => void;
  /** Hears where the admin server listens. */
  readonly onListening?: (port: number) => void;
}

/** How long gateways that speak at once are listened to, before a pass hears them all, in milliseconds. */
const newsMs = 200;
/**
 * So long a watch may be ahead of the answer to a write of ours, in milliseconds: longer costs a pass for nothing. Somebody who undoes what is
 * written must still be answered more than twice a second, or his quarrel is never found (keeper/quarrel.ts).
 */
const aheadMs = 250;
const controllerName = "jwtkeyrotation";
/** A watch that says nothing for longer than this is not ready: each is asked anew every 15 s. */
const mostSilenceMs = 30_000;

/**
 * Looks after every JwtKeyRotation until the signal; resolves when nothing of it is left.
 *
 * @throws Error when the admin port can't be had
 */
export async function runController(options: ControllerOptions, stop: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const metrics = new Metrics();
  addProcessMetrics(metrics.registry);
  const transport = newTransport(options, metrics);
  const clients = new ControllerClients(transport, { rate: options.rate, clock });
  const loop = newLoop(options, metrics);
  /** Of the term that runs. */
  let reconciler: Reconciler | undefined;
  const isOwn = (key: string, object: KubeObject): boolean => reconciler?.hasWritten(key, object) ?? false;
  const watches = newWatches(options, { client: clients.watching, loop, isOwn });
  measureWatches(metrics.registry, () => watches.sightings(mostSilenceMs));
  metrics.watchQueues([loop]);
  const rotationMetrics = new RotationMetrics(metrics.registry, () => clock.nowMs());
  const lag = new StatusLag(metrics.registry, () => clock.nowMs());
  const recorder = newRecorder(options, clients.events);
  metrics.watchEvents(recorder);
  const elector = electorOf(options, clients.lease);
  if (elector !== undefined) metrics.watchElection(options.lease?.name ?? "", elector);
  const server = await serve(options, metrics, watches);
  const lead = async (leadership: Leadership, signals: RunSignals): Promise<void> => {
    // Of this term alone: what it remembers, and what it may write
    const own = newReconciler(options, {
      ...clients.reconciling(leadership),
      ...{ watches, recorder, metrics: rotationMetrics, lag },
    });
    reconciler = own;
    log.info("leads: rotations are looked after");
    const work: Work = {
      keys: watches.keys(),
      reconcile: (key, signal) => own.reconcile(key, signal),
      urgencyOf: (key) => own.urgencyOf(key),
    };
    await loop.run(work, signals);
    reconciler = undefined;
    // Somebody else leads: what this process knows grows old
    rotationMetrics.forgetAll();
    lag.forgetAll();
  };
  await runManager(
    {
      clock,
      reflectors: watches.reflectors,
      lead,
      recorder,
      ...(elector && { elector }),
      ...(server && { server }),
    },
    stop,
  );
  transport.close();
}

function newLoop({ clock, chance, workers, log }: ControllerOptions, metrics: Metrics): ReconcileLoop {
  return new ReconcileLoop({
    name: controllerName,
    clock,
    chance,
    ...(workers !== undefined && { workers }),
    observer: metrics.observer(controllerName),
    onError: ({ key, error, retryAfterMs }) => log.failure(key, error, retryAfterMs),
  });
}

interface Reconciling extends Required<Pick<ReconcilerParts, "client" | "urgent">> {
  readonly watches: Watches;
  readonly recorder: EventRecorder;
  readonly metrics: RotationMetrics;
  readonly lag: StatusLag;
}

function newReconciler({ lease, log }: ControllerOptions, parts: Reconciling): Reconciler {
  const { client, urgent, watches, recorder, metrics, lag } = parts;
  return new Reconciler({
    ...{ client, urgent, metrics, lag, resources: watches.resources },
    knownGateways: (ref) => watches.gatewaysOf(ref, mostSilenceMs),
    count: () => watches.count,
    record: (happening) => recorder.record(happening),
    ...(lease && { lease: `${lease.namespace ?? ""}/${lease.name}` }),
    onDeed: (ref, deed, generation) => log.deed(ref, deed, generation),
  });
}

interface Watching {
  readonly client: KubeClient;
  readonly loop: ReconcileLoop;
  readonly isOwn: (key: string, object: KubeObject) => boolean;
}

function newWatches({ namespaces, log, clock }: ControllerOptions, { client, loop, isOwn }: Watching): Watches {
  const onForeign = (key: string): void => loop.enqueue(key);
  const foreign = new ForeignWrites({ clock, waitMs: aheadMs, isOwn, onForeign });
  return new Watches(client, {
    namespaces,
    onKey: (key) => loop.enqueue(key),
    onReporter: (key) => loop.enqueueAfter(key, answerMs),
    onGateway: (key) => loop.enqueueAfter(key, newsMs),
    onPublished: (key, object) => foreign.hear(key, object),
    onUnseen: (error) => log.problem("watch", error),
    onSeen: (what) => log.info(`can see ${what} again`),
  });
}

function newTransport({ endpoint, clock, chance, userAgent, onCall }: ControllerOptions, metrics: Metrics): Transport {
  const tell = (report: CallReport): void => {
    metrics.onCall(report);
    onCall?.(report);
  };
  return new Transport({ endpoint, clock, chance, userAgent, onCall: tell });
}

function newRecorder({ clock, identity, unique, log }: ControllerOptions, client: KubeClient): EventRecorder {
  return new EventRecorder({
    client,
    clock,
    unique,
    reportingController: eventReporter,
    reportingInstance: identity,
    onProblem: (error) => log.problem("event", error),
  });
}

function electorOf(options: ControllerOptions, client: KubeClient): LeaderElector | undefined {
  const { lease, leaseTimes, identity, clock, chance, log } = options;
  if (lease === undefined) return undefined;
  return new LeaderElector({
    client,
    lease,
    ...leaseTimes,
    identity,
    clock,
    chance,
    onHolder: (holder) => log.info(holder === "" ? "nobody leads" : `"${holder}" leads`),
    onProblem: (error) => log.problem("election", error),
  });
}

async function serve(
  { admin, onListening }: ControllerOptions,
  { registry }: Metrics,
  watches: Watches,
): Promise<AdminServer | undefined> {
  if (admin === undefined) return undefined;
  const [live, ready] = [new Checks(), new Checks()];
  // That this is answered at all is the check: the event loop turns
  live.add("ping", () => undefined);
  ready.add("watches", () => watches.problem(mostSilenceMs));
  const server = await startAdminServer({ ...admin, live, ready, registry });
  onListening?.(server.port);
  return server;
}
