import type { KubeClient } from "../kube/client.ts";
import type { Clock } from "../time/clock.ts";
import { ApiError } from "../kube/kube-errors.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Resource } from "../kube/resource.ts";
import { microTime } from "./lease.ts";

export const events: Resource = {
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
};

/** What is to be told. Nothing in it may be a secret: everybody who may read events reads it. */
export interface EventFacts {
  /** What it is about. */
  readonly regarding: KubeObject;
  readonly related?: KubeObject;
  readonly type: "Normal" | "Warning";
  /** UpperCamelCase, for programs: `Activated`. */
  readonly reason: string;
  /** What was done or tried, UpperCamelCase: `Rotate`. */
  readonly action: string;
  /** For people; cut at 1024 bytes. */
  readonly note: string;
  /** Never held back because much was told of the object before. Not for what others can say as often as they like. @default false */
  readonly isUrgent?: boolean;
}

export interface RecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** `keyturn.dev/controller` */
  readonly reportingController: string;
  /** This process: the pod's name. */
  readonly reportingInstance: string;
  /** A text that no other call returns, for names. */
  readonly unique: () => string;
  /** Hears of events that could not be written; they are gone. */
  readonly onProblem?: (error: unknown) => void;
}

interface Series {
  readonly ref: { readonly namespace: string; readonly name: string };
  count: number;
  lastAtMs: number;
  /** When the server was told last. */
  writtenAtMs: number;
}

/** How long the same happening counts as a repetition after it happened last, in milliseconds. */
const seriesMs = 6 * 60_000;
/** How often a series that goes on is written, in milliseconds. */
const rewriteMs = 5 * 60_000;
/** So many events at once for one object, and then one each five minutes: as client-go. */
const burst = 25;
const refillMs = 5 * 60_000;
/** How often what has ended is looked for, in milliseconds. */
const forgetMs = 60_000;
/** An API server that is away must not fill our memory. */
const mostWaiting = 500;
/** So many places of those are kept for what is urgent. */
const keptForUrgent = 100;

/** Why an event was not written. */
export type Dropping = "object" | "waiting" | "refused";

/** Writes events, each happening once: what repeats becomes a series with a count. Never throws, never blocks. */
export class EventRecorder {
  readonly #options: RecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  #writing: Promise<void> = Promise.resolve();
  #waiting = 0;
  readonly #dropped: Record<Dropping, number> = { object: 0, waiting: 0, refused: 0 };
  #lookedAtMs = -Infinity;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** How many were not written: too many for one `object`, too many `waiting` at once, or `refused` by the API server. */
  get dropped(): Readonly<Record<Dropping, number>> {
    return { ...this.#dropped };
  }

  record(happening: EventFacts): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#forget(nowMs);
    const key = seriesKeyOf(happening);
    const series = this.#seriesOf(key, nowMs);
    if (series !== undefined) this.#repeat(key, series, nowMs);
    else if (this.#waiting >= mostWaiting - (happening.isUrgent === true ? 0 : keptForUrgent))
      this.#dropped.waiting += 1;
    else if (happening.isUrgent === true || this.#mayWrite(happening.regarding, nowMs)) {
      this.#begin(key, happening, nowMs);
    } else this.#dropped.object += 1;
  }

  /** Resolves when all that was recorded has been written, or could not be. */
  flush(): Promise<void> {
    return this.#writing;
  }

  #begin(key: string, happening: EventFacts, nowMs: number): void {
    const { metadata } = happening.regarding;
    const name = `${metadata.name.slice(0, 200)}.${this.#options.unique()}`;
    const ref = { namespace: metadata.namespace ?? "default", name };
    this.#series.set(key, { ref, count: 1, lastAtMs: nowMs, writtenAtMs: nowMs });
    const event = this.#event(happening, ref);
    this.#write(key, () => this.#options.client.create(events, event, { totalMs: 30_000 }));
  }

  #repeat(key: string, series: Series, nowMs: number): void {
    series.count += 1;
    series.lastAtMs = nowMs;
    // The second at once, so that people see that it repeats
    if (series.count > 2 && nowMs - series.writtenAtMs < rewriteMs) return;
    series.writtenAtMs = nowMs;
    const lastObservedTime = microTime(this.#options.clock.nowMs());
    const body = { series: { count: series.count, lastObservedTime } };
    this.#write(key, () => this.#options.client.merge(events, { ref: series.ref, body }, { totalMs: 30_000 }));
  }

  #write(key: string, work: () => Promise<unknown>): void {
    this.#waiting += 1;
    this.#writing = this.#writing.then(work).then(
      () => void (this.#waiting -= 1),
      (error: unknown) => {
        this.#waiting -= 1;
        this.#dropped.refused += 1;
        // Whatever became of it, the next one is told anew
        this.#series.delete(key);
        const isGone = error instanceof ApiError && error.status === 404;
        if (!isGone) this.#options.onProblem?.(error);
      },
    );
  }

  #event({ regarding, related, type, reason, action, note }: EventFacts, ref: Series["ref"]): object {
    const { clock, reportingController, reportingInstance } = this.#options;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: ref,
      eventTime: microTime(clock.nowMs()),
      reportingController,
      reportingInstance,
      type,
      reason,
      action,
      note: cutAt(note, 1024),
      regarding: referenceOf(regarding),
      ...(related && { related: referenceOf(related) }),
    };
  }

  #mayWrite({ metadata }: KubeObject, nowMs: number): boolean {
    const key = metadata.uid ?? `${metadata.namespace ?? ""}/${metadata.name}`;
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    const filled = Math.min(burst, tokens + (nowMs - atMs) / refillMs);
    const isAllowed = filled >= 1;
    this.#buckets.set(key, { tokens: isAllowed ? filled - 1 : filled, atMs: nowMs });
    return isAllowed;
  }

  /** Undefined when it has ended. */
  #seriesOf(key: string, nowMs: number): Series | undefined {
    const series = this.#series.get(key);
    return series !== undefined && nowMs - series.lastAtMs < seriesMs ? series : undefined;
  }

  /** Now and then: of ten thousand objects each is looked at. */
  #forget(nowMs: number): void {
    if (nowMs - this.#lookedAtMs < forgetMs) return;
    this.#lookedAtMs = nowMs;
    for (const [key, { lastAtMs }] of this.#series) if (nowMs - lastAtMs >= seriesMs) this.#series.delete(key);
    for (const [key, { atMs }] of this.#buckets) if (nowMs - atMs >= burst * refillMs) this.#buckets.delete(key);
  }
}

function seriesKeyOf({ regarding: { metadata, kind }, type, reason, action, note }: EventFacts): string {
  return JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid, type, reason, action, note]);
}

function referenceOf({ apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } }: KubeObject): object {
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}

/** The longest beginning of so many bytes that ends with a whole character. */
function cutAt(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const cut = Buffer.from(text)
    .subarray(0, bytes - 3)
    .toString("utf8");
  return `${cut.replace(/\uFFFD+$/, "")}…`;
}
