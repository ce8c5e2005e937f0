import type { KubeClient, WatchEvent } from "../../../hack/testcluster/client.ts";
import type { KeyState, Record, Replica, Ring, Step } from "../report/record.ts";
import { names } from "./names.ts";

interface Keyring {
  readonly generation: number;
  readonly keys: readonly {
    readonly kid: string;
    readonly profile: { readonly algorithm: string };
    readonly state: KeyState;
  }[];
  readonly revoked: readonly { readonly kid: string }[];
}

interface Ack {
  readonly podName: string;
  readonly generation: number;
  readonly signs?: string;
}

interface MutableReplica extends Replica {
  readonly acks: Replica["acks"][number][];
  goneAtMs?: number;
}

/** Writes down, from watches, each public ring and each acknowledgement, and when it came. */
export class Recorder {
  readonly #steps: Step[] = [];
  readonly #rings: Ring[] = [];
  readonly #replicas = new Map<string, MutableReplica>();
  readonly #stop = new AbortController();
  readonly #watches: Promise<void>[] = [];
  readonly #failures: unknown[] = [];

  /** Begins to watch: the custom resources must be there. */
  watch(client: KubeClient): void {
    const { namespace, rotation } = names;
    const configMaps = `/api/v1/namespaces/${namespace}/configmaps?fieldSelector=metadata.name=${rotation}-public`;
    const acks = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
    this.#watches.push(this.#follow(client, configMaps, (event) => this.#ring(event)));
    this.#watches.push(this.#follow(client, acks, (event) => this.#ack(event)));
  }

  /** Runs a step of the story and writes down when it was. */
  async step(name: string, play: () => Promise<void>): Promise<void> {
    const startedAtMs = Date.now();
    await play();
    this.#steps.push({ name, startedAtMs, endedAtMs: Date.now() });
  }

  /** Ends the watches; what they have seen. */
  async record(): Promise<Record> {
    this.#stop.abort();
    await Promise.all(this.#watches);
    if (this.#failures.length > 0)
      throw new AggregateError(this.#failures, "Cannot tell the whole story: a watch ended");
    return {
      startedAtMs: this.#steps[0]?.startedAtMs ?? Date.now(),
      endedAtMs: Date.now(),
      steps: this.#steps,
      rings: this.#rings,
      replicas: [...this.#replicas.values()],
    };
  }

  async #follow(client: KubeClient, path: string, take: (event: WatchEvent) => void): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const event of client.watch(path, signal)) take(event);
    } catch (error) {
      if (!signal.aborted) this.#failures.push(error);
    }
  }

  #ring({ object }: WatchEvent): void {
    const { "keyring.json": text = "" } = object["data"] as { "keyring.json"?: string };
    const { generation, keys, revoked } = JSON.parse(text) as Keyring;
    if (this.#rings.at(-1)?.generation === generation) return;
    this.#rings.push({
      atMs: Date.now(),
      generation,
      keys: keys.map(({ kid, profile, state }) => ({ kid, algorithm: profile.algorithm, state })),
      revoked: revoked.map(({ kid }) => kid),
    });
  }

  #ack({ type, object }: WatchEvent): void {
    const { podName: pod, generation, signs } = object as unknown as Ack;
    const replica = this.#replicas.get(pod) ?? { pod, acks: [] };
    this.#replicas.set(pod, replica);
    if (type === "DELETED") replica.goneAtMs = Date.now();
    else if (replica.acks.at(-1)?.generation !== generation)
      replica.acks.push({ atMs: Date.now(), generation, ...(signs !== undefined && { signs }) });
  }
}
