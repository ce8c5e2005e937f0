import type { Backoff } from "../../time/backoff.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists, isWriteConflict, isNotFound } from "../../kube/kube-errors.ts";
import type { KubeObject, Metadata } from "../../kube/object.ts";
import { Reflector } from "../../kube/reflector.ts";
import { keyRingAcks, labels, notBackedUp } from "../../parse/api-names.ts";
import { keyRingAck, parseKeyRingAck } from "../../ring/ack-document.ts";
import type { Ack } from "../../ring/ack.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { isSameAck } from "../state-view.ts";
import type { AckSink } from "./ack-sink.ts";

/** The pod that acknowledges; the token must be bound to it (policies/keyringacks.yaml). */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A deaf watch is found out by {@link ClusterAcks.checkEveryMs}; one that is forbidden is not asked for again and again. */
const watchSeconds = 450;
const backoff: Backoff = { baseMs: 1000, maxMs: 300_000 };
const limits = { timeoutMs: 5000, totalMs: 5000 };

/**
 * A KeyRingAck named `<pod uid>.<rotation>`, owned by its Pod, which takes it along. Needs get, create and update; with list and
 * watch one that somebody deletes is written again at once.
 */
export class ClusterAcks implements AckSink {
  readonly checkEveryMs = 60_000;
  readonly #client: KubeClient;
  readonly #pod: PodIdentity;
  readonly #rotation: string;
  /** As it was last seen. */
  #known: KubeObject | undefined;
  /** What was written last, or is being written. */
  #stated: Ack | undefined;

  constructor(client: KubeClient, pod: PodIdentity, rotation: string) {
    this.#client = client;
    this.#pod = pod;
    this.#rotation = rotation;
  }

  async write(ack: Ack): Promise<void> {
    this.#stated = ack;
    try {
      this.#known = await this.#put(ack);
    } catch (error) {
      // Somebody else made, changed or removed it: once more over what there is now
      if (!isAlreadyExists(error) && !isWriteConflict(error) && !isNotFound(error)) throw error;
      this.#known = await this.#find();
      this.#known = await this.#put(ack);
    }
  }

  async check(): Promise<Ack | undefined> {
    this.#known = await this.#find();
    return this.#known && this.#ackIn(this.#known);
  }

  /** Who may not watch acks looks again after {@link checkEveryMs}. */
  watch(signal: AbortSignal, tell: () => void): Promise<void> {
    const reflector = new Reflector({
      client: this.#client,
      resource: keyRingAcks,
      selection: { namespace: this.#pod.namespace, fieldSelector: `metadata.name=${this.#name}` },
      ...{ watchSeconds, backoff },
      onChange: ({ type, object }) => {
        if (type === "deleted" || !isSameAck(this.#ackIn(object), this.#stated)) tell();
      },
    });
    return reflector.run(signal);
  }

  /** Undefined when it is not ours. */
  #ackIn(object: KubeObject): Ack | undefined {
    try {
      const stated = parseKeyRingAck(object);
      return stated.rotation === this.#rotation && stated.podName === this.#pod.name ? stated.ack : undefined;
    } catch (error) {
      if (error instanceof ChangeNeededError) return undefined;
      throw error;
    }
  }

  /** The garbage collector does it, with the pod. */
  end(): Promise<void> {
    return Promise.resolve();
  }

  #put(ack: Ack): Promise<KubeObject> {
    const { resourceVersion } = this.#known?.metadata ?? {};
    if (resourceVersion === undefined) return this.#client.create(keyRingAcks, this.#document(ack), limits);
    return this.#client.update(keyRingAcks, this.#document(ack, resourceVersion), limits);
  }

  #find(): Promise<KubeObject | undefined> {
    const { namespace } = this.#pod;
    return this.#client.find(keyRingAcks, { namespace, name: this.#name }, limits);
  }

  get #name(): string {
    return `${this.#pod.uid}.${this.#rotation}`;
  }

  #document(ack: Ack, resourceVersion?: string): KubeObject {
    const { namespace, name, uid } = this.#pod;
    const metadata: Metadata = {
      name: this.#name,
      namespace,
      labels: { [labels.rotation]: this.#rotation, ...notBackedUp },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    return { ...keyRingAck(metadata, { rotation: this.#rotation, podName: name, ack }) };
  }
}
