import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../kube/errors.ts";
import type { KubeObject, Metadata } from "../../kube/object.ts";
import type { Resource } from "../../kube/resource.ts";
import { ackKind, keyRingAck, parseKeyRingAck } from "../../ring/ack-document.ts";
import type { Ack } from "../../ring/ack.ts";
import { ChangeNeededError } from "../../ring/errors.ts";
import type { AckSink } from "./sink.ts";

export const keyRingAcks: Resource = {
  group: "keyturn.dev",
  version: "v1alpha1",
  plural: "keyringacks",
  kind: ackKind,
  namespaced: true,
};

/** The pod that acknowledges; the token must be bound to it (policies/keyringacks.yaml). */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const limits = { timeoutMs: 5000, totalMs: 5000 };

/** A KeyRingAck named `<pod uid>.<rotation>`, owned by its Pod, which takes it along. Needs get, create and update. */
export class ClusterAcks implements AckSink {
  readonly checkEveryMs = 60_000;
  readonly #client: KubeClient;
  readonly #pod: PodIdentity;
  readonly #rotation: string;
  /** As it was last seen. */
  #known: KubeObject | undefined;

  constructor(client: KubeClient, pod: PodIdentity, rotation: string) {
    this.#client = client;
    this.#pod = pod;
    this.#rotation = rotation;
  }

  async write(ack: Ack): Promise<void> {
    try {
      this.#known = await this.#put(ack);
    } catch (error) {
      // Somebody else made, changed or removed it: once more over what there is now
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
      this.#known = await this.#find();
      this.#known = await this.#put(ack);
    }
  }

  async check(): Promise<Ack | undefined> {
    this.#known = await this.#find();
    if (this.#known === undefined) return undefined;
    try {
      const stated = parseKeyRingAck(this.#known);
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
      labels: { "keyturn.dev/rotation": this.#rotation },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    return { ...keyRingAck(metadata, { rotation: this.#rotation, podName: name, ack }) };
  }
}
