import { type Backoff, backoffMs } from "../time/backoff.ts";
import type { KubeClient } from "./client.ts";
import { sleep } from "../time/clock.ts";
import { isExpired, isStopped } from "./kube-errors.ts";
import type { KubeObject } from "./object.ts";
import type { Resource, Selection } from "./resource.ts";
import { type CacheChange, ObjectCache } from "./object-cache.ts";
import { LostEventError, watch, type WatchEvent } from "./watch.ts";
import { isBefore } from "./resource-version.ts";

export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly selection?: Selection;
  /** What the store keeps of an object: of a Secret, nothing that is secret. @default all of it */
  readonly kept?: (object: KubeObject) => KubeObject;
  /** Hears of every change with the whole object, after the store has it. Must not throw: an error goes to `onProblem`. */
  readonly onChange?: (change: CacheChange) => void;
  /** Hears of every failure that is followed by another try, for logs and metrics; not of a version that is too old. */
  readonly onProblem?: (error: unknown) => void;
  /** Hears that a watch has begun again, after a {@link Reflector.trouble}. */
  readonly onRecovery?: () => void;
  /**
   * About so long one watch is asked for, in seconds, at least 1; then the next begins where it ended. A watch that is deaf is
   * known by then: it did not end, or ended without a word. Long ones are for those who also ask another way. @default 15
   */
  readonly watchSeconds?: number;
  /** So long may a watch say nothing before it counts as dead, in milliseconds. @default 150000 */
  readonly inactivityMs?: number;
  /** @default {baseMs: 1000, maxMs: 30000} */
  readonly backoff?: Backoff;
}

/** A watch that lived so long, or said something, was no failure. */
const livedMs = 10_000;
/** A server that ends a watch so much before its time, in milliseconds, has another reason than the time. */
const earlyMs = 500;
/** No object can have it: a list of this one name is one key for the server to look up, and no object to send. */
const nobody = "metadata.name=-";
/** How long one question for the server's version may take, in milliseconds. */
const probeLimits = { timeoutMs: 5000, totalMs: 10_000 };

/**
 * Keeps a {@link ObjectCache} like the server's state of a selection: lists, watches from there, and goes on where a watch ended in
 * its time. After any other end it lists anew: a server that broke off may come back with another past (etcd restored from a
 * snapshot), whose versions mean something else, and to those who know a newer one than it has it says nothing. Never ends
 * but by the signal.
 */
export class Reflector {
  readonly store: ObjectCache;
  readonly #options: ReflectorOptions;
  readonly #selection: Selection;
  readonly #synced = Promise.withResolvers<undefined>();
  readonly #tried = Promise.withResolvers<undefined>();
  #hasSynced = false;
  /** Where the next watch goes on; undefined: list first. */
  #resourceVersion: string | undefined;
  #failures = 0;
  /** Cuts the watch that runs. */
  #cut: () => void = () => undefined;
  /** When the server last said something that was understood, monotonic. */
  #heardAtMs: number | undefined;
  #trouble: Error | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#selection = options.selection ?? {};
    this.store = new ObjectCache(options.kept);
  }

  /** True from when the store held one whole state. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves with {@link hasSynced}; never, when that never comes. */
  async synced(): Promise<void> {
    await this.#synced.promise;
  }

  /** Resolves when the first list was answered or failed. */
  async tried(): Promise<void> {
    await this.#tried.promise;
  }

  /** What went wrong last, while no watch has begun since; else undefined. A list alone is no end of it: a watch may be forbidden. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  /** How long ago the server last said something, in milliseconds; undefined before the first list. */
  silenceMs(): number | undefined {
    return this.#heardAtMs === undefined ? undefined : this.#clock.monotonicMs() - this.#heardAtMs;
  }

  /** To be called by who knows otherwise that a change was not told: lists anew, with a connection of its own. */
  renew(): void {
    this.#cut();
  }

  /** Runs until the signal; resolves when nothing of it is left: no request, no timer. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#turn(signal);
      if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
    }
  }

  get #clock() {
    return this.#options.client.transport.clock;
  }

  /** One list where one is due, and one watch to its end; returns how long to wait before the next, in milliseconds. */
  async #turn(signal: AbortSignal): Promise<number> {
    const startedAtMs = this.#clock.monotonicMs();
    const { chance } = this.#options.client.transport;
    try {
      if (this.#resourceVersion === undefined) await this.#list(signal);
      if (await this.#watch(signal)) {
        this.#failures = 0;
        return 0;
      }
    } catch (error) {
      // Which ends any watch some day, and says what to do: list
      if (!isExpired(error) && !isStopped(error)) this.#fail(error);
      this.#tried.resolve(undefined);
    }
    this.#resourceVersion = undefined;
    // A server that ends every watch at once is not to be asked at once
    this.#failures = this.#clock.monotonicMs() - startedAtMs >= livedMs ? 1 : this.#failures + 1;
    return backoffMs(this.#options.backoff ?? { baseMs: 1000, maxMs: 30_000 }, this.#failures, chance);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource } = this.#options;
    const { items, resourceVersion } = await client.list(resource, this.#selection, { signal });
    this.#heard();
    const changes = this.store.replace(items);
    this.#resourceVersion = resourceVersion;
    for (const change of changes) this.#tell(change);
    this.#hasSynced = true;
    this.#synced.resolve(undefined);
    this.#tried.resolve(undefined);
  }

  /** True when the server ended it in its time, so that the next may go on from there. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    // Who heard of the list may have ended it, and an abort is told once
    if (signal.aborted) return true;
    const { client, resource, watchSeconds = 15, inactivityMs = 150_000 } = this.#options;
    const from = this.#resourceVersion ?? "";
    // Spread, so that a fleet that started at once does not come back at once
    const timeoutSeconds = Math.max(1, Math.round(watchSeconds * (0.8 + client.transport.chance() * 0.4)));
    const startedAtMs = this.#clock.monotonicMs();
    const options = { resource, selection: this.#selection, resourceVersion: from, timeoutSeconds, inactivityMs };
    const ended = new AbortController();
    this.#cut = () => ended.abort();
    signal.addEventListener("abort", this.#cut, { once: true });
    try {
      for await (const event of watch(client, { ...options, signal: ended.signal, onBegun: this.#recovered })) {
        this.#take(event);
      }
    } finally {
      signal.removeEventListener("abort", this.#cut);
    }
    if (this.#clock.monotonicMs() - startedAtMs < timeoutSeconds * 1000 - earlyMs) return false;
    // Nothing happened, or nothing is said to whom knows a version that the server has not reached
    if (this.#resourceVersion === from) await this.#probe(signal);
    return true;
  }

  /** @throws {@link LostEventError} when the server knows less than what it said before */
  async #probe(signal: AbortSignal): Promise<void> {
    const { client, resource } = this.#options;
    const { namespace = "default", fieldSelector = nobody } = this.#selection;
    const scope = resource.namespaced ? { namespace, fieldSelector } : { fieldSelector };
    const { resourceVersion } = await client.list(resource, scope, { signal, ...probeLimits });
    if (isBefore(resourceVersion, this.#resourceVersion)) throw this.#wentBack();
  }

  #wentBack(): LostEventError {
    return new LostEventError(`watch ${this.#options.resource.plural}`, "the server's state went back");
  }

  #take(event: WatchEvent): void {
    // The server went back in time; what it said before may be undone
    if (isBefore(event.resourceVersion, this.#resourceVersion)) throw this.#wentBack();
    this.#heard();
    this.#failures = 0;
    this.#resourceVersion = event.resourceVersion;
    if (event.type === "BOOKMARK") return;
    const change = event.type === "DELETED" ? this.store.remove(event.object) : this.store.put(event.object);
    if (change !== undefined) this.#tell(change);
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  readonly #recovered = (): void => {
    this.#heard();
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.onRecovery?.();
  };

  #fail(error: unknown): void {
    this.#trouble = error instanceof Error ? error : new TypeError("something that is no error was thrown");
    this.#options.onProblem?.(error);
  }

  #tell(change: CacheChange): void {
    try {
      this.#options.onChange?.(change);
    } catch (error) {
      this.#options.onProblem?.(error);
    }
  }
}
