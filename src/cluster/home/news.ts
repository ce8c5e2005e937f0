import { Bell } from "../../time/bell.ts";
import type { KubeClient } from "../../kube/client.ts";
import { Reflector } from "../../kube/reflector.ts";
import { configMaps, pods } from "../../kube/resource.ts";
import type { Observation } from "../../ring/decide.ts";
import type { RotationRef } from "../../ring/ring.ts";
import { keyRingAcks, labels, rotations } from "../../parse/api-names.ts";
import { dayMs } from "../../parse/duration.ts";

/** Whoever follows a rotation looks again after this time although nothing seems to happen, in milliseconds: Secrets are not watched. */
const longestMs = 15_000;

interface Kept {
  readonly seen: Observation;
  readonly atMonotonicMs: number;
  readonly mark: number;
}

/** Watches what happens to a rotation, so that it is read again only when something did. */
export class News {
  readonly #client: KubeClient;
  readonly #ref: RotationRef;
  #count = 0;
  #reflectors: readonly Reflector[] = [];
  #kept: Kept | undefined;

  constructor(client: KubeClient, ref: RotationRef) {
    this.#client = client;
    this.#ref = ref;
  }

  /** To be taken before a look: what happens during it makes it old. */
  mark(): number {
    return this.#count;
  }

  keep(seen: Observation, mark: number): void {
    this.#kept = { seen, mark, atMonotonicMs: this.#client.transport.clock.monotonicMs() };
  }

  /** The last look as of now, if the watches say that nothing has happened since. */
  kept(): Observation | undefined {
    const kept = this.#kept;
    const isWatched = this.#reflectors.length > 0 && this.#reflectors.every((one) => one.hasSynced);
    if (!kept || !isWatched || kept.mark !== this.#count) return undefined;
    const elapsedMs = this.#client.transport.clock.monotonicMs() - kept.atMonotonicMs;
    if (elapsedMs > longestMs) return undefined;
    const { found } = kept.seen;
    return { ...kept.seen, found: { ...found, nowMs: found.nowMs + Math.floor(elapsedMs) } };
  }

  /**
   * Yields whenever the resource, the public ConfigMap, a pod or an ack has changed; ends with the signal. Where something
   * may not be watched, changes of it are not told.
   *
   * @param nameOfPublic - Of the ConfigMap
   */
  async *changes(signal: AbortSignal, nameOfPublic: () => Promise<string>): AsyncIterable<void> {
    const own = new AbortController();
    const ends = AbortSignal.any([signal, own.signal]);
    const bell = new Bell();
    this.#reflectors = this.#watches(await nameOfPublic().catch(() => undefined), () => {
      this.#count += 1;
      bell.ring();
    });
    const running = Promise.all(this.#reflectors.map((one) => one.run(ends)));
    try {
      while (true) {
        await bell.sleep(dayMs, ends);
        if (ends.aborted) return;
        yield;
      }
    } finally {
      this.#reflectors = [];
      own.abort();
      await running;
    }
  }

  #watches(publicName: string | undefined, onChange: () => void): readonly Reflector[] {
    const { namespace, name } = this.#ref;
    const client = this.#client;
    const labelSelector = `${labels.rotation}=${name}`;
    return [
      { resource: rotations, selection: { namespace, fieldSelector: `metadata.name=${name}` } },
      ...(publicName === undefined
        ? []
        : [{ resource: configMaps, selection: { namespace, fieldSelector: `metadata.name=${publicName}` } }]),
      { resource: pods, selection: { namespace, labelSelector } },
      { resource: keyRingAcks, selection: { namespace, labelSelector } },
    ].map((what) => new Reflector({ client, ...what, onChange }));
  }
}
