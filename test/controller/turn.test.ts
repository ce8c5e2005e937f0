import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { lastStatus } from "../../src/cluster/last-status.ts";
import { Reconciler } from "../../src/controller/reconciler.ts";
import { RotationMetrics } from "../../src/keeper/rotation-metrics.ts";
import { StatusLag } from "../../src/controller/status-lag.ts";
import type { CallReport } from "../../src/kube/api-request.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { GatewaysRead } from "../../src/keeper/observe.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { configMaps, pods, secrets } from "../../src/kube/resource.ts";
import { keyRingAcks, labels, rotations } from "../../src/parse/api-names.ts";
import type { ReconcileOutcome } from "../../src/runtime/reconcile-loop.ts";
import { resource } from "../cluster/support/resources.ts";
import { clientTo } from "../kube/support/clients.ts";
import { fakeApi } from "../kube/support/fake-api.ts";
import { FakeClock } from "../support/fake-clock.ts";

const namespace = "default";
const ref = { namespace, name: "gateway" };

/** One rotation on an API server, and a reconciler over it. */
class Scene {
  /** Happens just before the server answers; once. */
  before: { readonly request: string; readonly happens: () => Promise<unknown> } | undefined;
  /** What the last turn asked of the server. */
  requests: string[] = [];
  /** What the watches say of gateways. */
  known: GatewaysRead | undefined;
  /** Of somebody else. */
  readonly client: KubeClient;
  readonly #reconciler: Reconciler;
  #object: KubeObject;

  private constructor(server: string, { other, object }: { other: KubeClient; object: KubeObject }) {
    this.client = other;
    this.#object = object;
    const onCall = ({ method, path }: CallReport): void => void this.requests.push(textOf(method, path));
    const client = clientTo(server, { clock: other.transport.clock, onCall });
    this.#reconciler = new Reconciler({
      ...{ client, count: () => 1, record: () => undefined, resources: { byKey: () => this.#object } },
      knownGateways: () => this.known,
      metrics: new RotationMetrics(new Registry(), () => client.transport.clock.nowMs()),
      lag: new StatusLag(new Registry(), () => client.transport.clock.nowMs()),
    });
  }

  static async made(): Promise<Scene> {
    const clock = new FakeClock();
    const { api, script } = await fakeApi();
    const client = clientTo(script.server, { clock });
    const scene: { it?: Scene } = {};
    const happening = new Set<string>();
    api.fault = (call, response) => {
      response.setHeader("date", new Date(clock.nowMs()).toUTCString());
      const due = scene.it?.before;
      const request = textOf(call.method, call.url.pathname);
      if (due === undefined || request !== due.request || happening.has(request)) return false;
      happening.add(request);
      void due.happens().then(() => api.reply(response, call));
      return true;
    };
    const object = await client.create(rotations, resource({ metadata: { ...ref, generation: 1 } }));
    scene.it = new Scene(script.server, { other: client, object });
    return scene.it;
  }

  /** One turn; the watch has seen all that was written. */
  async turn(): Promise<ReconcileOutcome> {
    await this.read();
    this.requests = [];
    return this.#reconciler.reconcile("default/gateway", new AbortController().signal);
  }

  /** Edits the spec. */
  async edit(change: object): Promise<void> {
    const { spec, ...object } = await this.client.get(rotations, ref);
    const generation = (object.metadata.generation ?? 0) + 1;
    const metadata = { ...object.metadata, generation };
    await this.client.update(rotations, { ...object, metadata, spec: { ...(spec as object), ...change } });
  }

  async read(): Promise<KubeObject> {
    return (this.#object = await this.client.get(rotations, ref));
  }
}

const textOf = (method: string, path: string): string =>
  `${method} ${path.replace(/^.*\/(?=(?:secrets|configmaps|pods|keyringacks|jwtkeyrotations)\b)/, "")}`;

const reads = [
  "GET secrets/keys",
  "GET configmaps/keys-public",
  "GET keyringacks",
  "GET pods",
  "GET secrets/keys-ring",
];
const gateways = ["GET keyringacks", "GET pods"];

describe("a turn", () => {
  it("of a new rotation reads everything once, goes on from the answers to its own writes, and reports", async () => {
    const scene = await Scene.made();
    expect(await scene.turn()).toEqual({ requeueAfterMs: 27_000 });
    expect(scene.requests).toEqual([
      ...reads,
      ...["POST secrets", "POST configmaps", "POST secrets"],
      ...gateways,
      ...["PUT secrets/keys-ring", "PUT configmaps/keys-public", "PUT secrets/keys"],
      "PUT jwtkeyrotations/gateway/status",
    ]);
    const { conditions, history } = lastStatus(await scene.read());
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Ready", status: "True" }));
    expect(history.map(({ step }) => step)).toEqual(["publish", "publish", "create", "begin"]);
  });

  it("reads everything, and writes nothing, where nothing is to be done", async () => {
    const scene = await Scene.made();
    await scene.turn();
    await scene.turn();
    expect(scene.requests).toEqual(reads);
  });

  it("publishes nothing that a gateway has not acknowledged which came after the first reading", async () => {
    const scene = await Scene.made();
    scene.before = { request: "POST configmaps", happens: () => gatewayComes(scene.client) };
    await scene.turn();
    expect(scene.requests.slice(8)).toEqual([...gateways, "PUT jwtkeyrotations/gateway/status"]);
    const { history } = lastStatus(await scene.read());
    expect(history.map(({ step }) => step)).toEqual(["create", "begin"]);
  });

  it("ends without a word when somebody else has written the ring since, and the next reads everything anew", async () => {
    const scene = await Scene.made();
    const happens = async (): Promise<void> => {
      const ring = await scene.client.get(secrets, { namespace, name: "keys-ring" });
      const annotations = { note: "touched" };
      await scene.client.update(secrets, { ...ring, metadata: { ...ring.metadata, annotations } });
    };
    scene.before = { request: "POST configmaps", happens };
    expect(await scene.turn()).toMatchObject({ backoff: { baseMs: 100 } });
    expect(scene.requests.at(-1)).toBe("PUT secrets/keys-ring");
    await scene.turn();
    expect(scene.requests.slice(0, 6)).toEqual([...reads, "PUT secrets/keys-ring"]);
  });

  it("leaves to the next what would stall it: it may come from another leader's write", async () => {
    const scene = await Scene.made();
    const newerGeneration = Math.floor(scene.client.transport.clock.nowMs() / 1000) + 1000;
    const happens = (): Promise<void> => gatewayComes(scene.client, newerGeneration);
    scene.before = { request: "POST configmaps", happens };
    expect(await scene.turn()).toEqual({ requeueAfterMs: 0, urgency: "begun" });
    expect(scene.requests.slice(8)).toEqual(gateways);
    await scene.turn();
    expect(scene.requests.slice(0, 5)).toEqual(reads);
  });

  it("leaves to the next what is asked for meanwhile", async () => {
    const scene = await Scene.made();
    scene.before = { request: "POST configmaps", happens: () => scene.read() };
    expect(await scene.turn()).toEqual({ requeueAfterMs: 0, urgency: "begun" });
    expect(scene.requests.filter((one) => one === "GET secrets/keys-ring")).toHaveLength(1);
  });

  it("does not take its own word for a projection that the server has changed", async () => {
    const scene = await Scene.made();
    await scene.turn();
    const open = await scene.client.get(configMaps, { namespace, name: "keys-public" });
    await scene.client.update(configMaps, { ...open, data: {} });
    await scene.turn();
    expect(scene.requests.slice(0, 6)).toEqual([...reads, "PUT configmaps/keys-public"]);
  });
});

describe("a turn, where the watches know the gateways,", () => {
  /** A rotation that is settled, with this said of its gateways. */
  async function settled(known: GatewaysRead): Promise<Scene> {
    const scene = await Scene.made();
    await scene.turn();
    scene.known = known;
    return scene;
  }
  const nobody: GatewaysRead = { gateways: [], warnings: [] };
  const objects = reads.filter((one) => !gateways.includes(one));

  it("reads no gateways where nothing is to be done, and reports what is known of them", async () => {
    const scene = await settled(nobody);
    await scene.turn();
    expect(scene.requests).toEqual(objects);
    scene.known = { ...nobody, gateways: [{ name: "pod", ready: true }] };
    await scene.turn();
    expect(scene.requests).toEqual([...objects, "PUT jwtkeyrotations/gateway/status"]);
    expect((await scene.read())["status"]).toMatchObject({ gateways: { expected: 1, acknowledged: 0 } });
  });

  it("reads them before it does anything: what is done is decided by what they say then", async () => {
    const scene = await settled(nobody);
    await scene.edit({ rotation: { interval: "0s", requestID: "news" }, propagation: { minimum: "0s" } });
    await gatewayComes(scene.client);
    await scene.turn();
    // The settings change; the key that asks for an acknowledgement does not sign
    expect(scene.requests.slice(0, 6)).toEqual([...objects, ...gateways, "PUT secrets/keys-ring"]);
    expect(lastStatus(await scene.read()).history.map(({ step }) => step)).not.toContain("activate");
    scene.known = undefined;
    await scene.turn();
    expect(scene.requests).not.toContain("PUT secrets/keys-ring");
  });

  it("asks nobody but the server whether a revocation has reached everybody", async () => {
    const scene = await settled(nobody);
    await scene.edit({ revokedKids: [{ kid: "k" }] });
    await scene.turn();
    expect(scene.requests.slice(0, 5)).toEqual(reads);
  });

  it("reads everything in order before it says that it is stalled", async () => {
    const scene = await settled(nobody);
    const ring = await scene.client.get(secrets, { namespace, name: "keys-ring" });
    await scene.client.update(secrets, { ...ring, data: { "keyring.json": "AAAA" } });
    await scene.turn();
    expect(scene.requests).toEqual([...objects, ...gateways, ...reads, "PUT jwtkeyrotations/gateway/status"]);
  });
});

/** A gateway that runs, and has acknowledged this generation; none: it has said nothing yet. */
async function gatewayComes(client: KubeClient, generation?: number): Promise<void> {
  const metadata = { namespace, name: "pod", labels: { [labels.rotation]: "gateway" } };
  const pod = await client.create(pods, { metadata, spec: {} });
  const started = { state: { running: { startedAt: "2026-11-22T00:00:00Z" } } };
  const status = {
    phase: "Running",
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [{ name: "keyturn", ...started }],
  };
  await client.updateStatus(pods, { ...pod, status });
  if (generation === undefined) return;
  const name = `${pod.metadata.uid ?? ""}.gateway`;
  const said = { rotation: "gateway", podName: "pod", generation, verifies: ["k"] };
  await client.create(keyRingAcks, {
    ...{ apiVersion: "keyturn.dev/v1alpha1", kind: "KeyRingAck", metadata: { ...metadata, name } },
    ...said,
  });
}
