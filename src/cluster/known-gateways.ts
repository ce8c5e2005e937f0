import type { GatewaysRead } from "../keeper/observe.ts";
import type { KubeObject } from "../kube/object.ts";
import type { CacheChange } from "../kube/object-cache.ts";
import { labels } from "../parse/api-names.ts";
import type { RotationRef } from "../ring/ring.ts";
import { ackIn, type AckRead, gatewaysIn, type PodFacts, podFacts } from "./gateways.ts";

/**
 * Gateways and what they have acknowledged, by rotation, as the watches tell of them: of each object what counts, and no more.
 * Good for finding out that nothing is to be done; never what something is done by.
 */
export class KnownGateways {
  readonly #acks = new ByRotation<AckRead>(ackIn);
  readonly #pods = new ByRotation<PodFacts>(podFacts);

  /** A KeyRingAck has changed. */
  ackChanged(change: CacheChange): void {
    this.#acks.changed(change);
  }

  /** A pod with the label has changed. */
  podChanged(change: CacheChange): void {
    this.#pods.changed(change);
  }

  /** All of the rotation's; undefined where an ack does not count, or names a pod that no watch tells of. */
  of(ref: RotationRef): GatewaysRead | undefined {
    const [acks, pods] = [this.#acks.of(ref), this.#pods.of(ref)];
    const uids = new Set(pods.map(({ uid }) => uid));
    if (acks.some((one) => typeof one === "string" || !uids.has(one.podUid))) return undefined;
    return gatewaysIn(acks, pods);
  }
}

/** What is kept of objects, by the rotation that their label names. */
class ByRotation<Kept> {
  readonly #read: (object: KubeObject, rotation: string) => Kept;
  readonly #kept = new Map<string, Map<string, Kept>>();

  constructor(read: (object: KubeObject, rotation: string) => Kept) {
    this.#read = read;
  }

  of({ namespace, name }: RotationRef): readonly Kept[] {
    return [...(this.#kept.get(`${namespace}/${name}`)?.values() ?? [])];
  }

  changed(change: CacheChange): void {
    const { object } = change;
    // The label may be another one than before
    this.#forget(change.type === "updated" ? change.before : object);
    if (change.type === "deleted") return;
    const rotation = object.metadata.labels?.[labels.rotation];
    if (rotation === undefined) return;
    const key = keyIn(object, rotation);
    const ofRotation = this.#kept.get(key) ?? new Map<string, Kept>();
    this.#kept.set(key, ofRotation.set(object.metadata.name, this.#read(object, rotation)));
  }

  #forget(object: KubeObject): void {
    const key = keyIn(object, object.metadata.labels?.[labels.rotation] ?? "");
    const ofRotation = this.#kept.get(key);
    ofRotation?.delete(object.metadata.name);
    if (ofRotation?.size === 0) this.#kept.delete(key);
  }
}

const keyIn = ({ metadata: { namespace = "" } }: KubeObject, rotation: string): string => `${namespace}/${rotation}`;
