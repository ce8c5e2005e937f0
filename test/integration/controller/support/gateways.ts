import type { KubeClient, KubeObject } from "../../../../hack/testcluster/client.ts";
import { ackOf, acknowledges } from "../../support/acks.ts";
import { makeServiceAccount } from "../../support/roles.ts";
import { admin, makePod, tokenFor } from "../../support/scene.ts";
import type { RotationHandle } from "./scene.ts";

const account = "gateway";

/** Once for each namespace: what gateway pods run as. */
export const makeGatewayAccount = (namespace: string): Promise<void> =>
  makeServiceAccount(namespace, account, acknowledges);

interface StatedFacts {
  readonly generation: number;
  readonly writeId?: string | undefined;
  readonly verifies: readonly string[];
  readonly signs?: string | undefined;
}

/** A gateway's pod; what a kubelet and a sidecar would say of it, the test says. */
export class FakeGateway {
  readonly name: string;
  readonly path: string;
  readonly #pod: KubeObject;
  readonly #client: KubeClient;
  readonly #rotation: RotationHandle;

  private constructor(rotation: RotationHandle, pod: KubeObject, client: KubeClient) {
    this.#rotation = rotation;
    this.#pod = pod;
    this.#client = client;
    this.name = pod.metadata.name;
    this.path = `/api/v1/namespaces/${rotation.namespace}/pods/${this.name}`;
  }

  static async make(rotation: RotationHandle, name: string, { isLabelled = true } = {}): Promise<FakeGateway> {
    const { namespace } = rotation;
    const labels = isLabelled ? { "keyturn.dev/rotation": rotation.name } : {};
    const pod = await makePod(namespace, name, { serviceAccountName: account, metadata: { labels } });
    const client = admin.withToken(await tokenFor(namespace, account, pod));
    return new FakeGateway(rotation, pod, client);
  }

  /** What the kubelet says. */
  async is(
    phase: "Running" | "Failed" | "Pending",
    { isReady = phase === "Running", containerStartedAt }: { isReady?: boolean; containerStartedAt?: string } = {},
  ): Promise<void> {
    const startTime = new Date().toISOString();
    const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
    const running = { startedAt: containerStartedAt };
    const container = {
      name: "keyturn",
      image: "i",
      imageID: "i",
      ready: isReady,
      restartCount: 9,
      state: { running },
    };
    const containerStatuses = containerStartedAt === undefined ? [] : [container];
    await admin.merge(`${this.path}/status`, { status: { phase, startTime, conditions, containerStatuses } });
  }

  async remove(): Promise<void> {
    await admin.remove(this.path, { gracePeriodSeconds: 0 });
  }

  /** Takes over what the signer Secret holds, and says so. @returns what it said */
  async acknowledge(): Promise<StatedFacts> {
    const { "keyring.json": text = "" } = await this.#rotation.data("signer");
    const { generation, writes, keys } = JSON.parse(text) as {
      generation: number;
      writes: readonly string[];
      keys: readonly { kid: string; state: string }[];
    };
    const signs = keys.find(({ state }) => state === "active")?.kid;
    const ack = { generation, writeId: writes.at(-1), verifies: keys.map(({ kid }) => kid), signs };
    await this.states(ack);
    return ack;
  }

  /** @throws ApiError what the API server refuses */
  async states(ack: StatedFacts): Promise<void> {
    await this.statesFor(this, ack);
  }

  /** In another's name. */
  async statesFor(other: FakeGateway, ack: object): Promise<void> {
    const { namespace, name } = this.#rotation;
    const folder = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
    const uid = String(other.#pod.metadata.uid);
    const object = ackOf({ name: other.name, uid }, name, ack) as KubeObject;
    const path = `${folder}/${uid}.${name}`;
    const before = await this.#client.get(path).catch(() => undefined);
    if (before === undefined) await this.#client.create(folder, object);
    else
      await this.#client.replace(path, { ...before, ...object, metadata: { ...before.metadata, ...object.metadata } });
  }
}
