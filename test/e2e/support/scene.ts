import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureEngine } from "../../../hack/docker/engine.ts";
import { ensureNatsImage } from "../../../hack/docker/nats-image.ts";
import { buildKeyturnImage } from "../../../hack/docker/keyturn-image.ts";
import { root } from "../../../hack/run.ts";
import { apply } from "../../../hack/testcluster/apply.ts";
import { ensureBinary } from "../../../hack/testcluster/build.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { kubeConfigText } from "../../../hack/testcluster/connection.ts";
import { startNode, type TestNode } from "../../../hack/testnode/node.ts";
import type { Counts, Revocation } from "../workload/counts.ts";
import { type HelmHome, helmVersion } from "./helm.ts";
import { names, renewers, replicas, talkers, ways } from "./names.ts";

const exec = promisify(execFile);

const say = (line: string): void => console.log(line);

/** A node with Keyturn's image, and what the story needs to act on it as people do. */
export class Scene implements HelmHome {
  readonly node: TestNode;
  readonly image: string;
  /** Of the bus of sessions. */
  readonly natsImage: string;
  readonly folder: string;
  readonly kubeConfigFile: string;
  readonly #kubectl: string;
  readonly #stopEngine: () => Promise<void>;

  private constructor(
    parts: Pick<Scene, "node" | "image" | "natsImage" | "folder"> & { kubectl: string; stop: () => Promise<void> },
  ) {
    this.node = parts.node;
    this.image = parts.image;
    this.natsImage = parts.natsImage;
    this.folder = parts.folder;
    this.kubeConfigFile = join(parts.folder, "kubeconfig");
    this.#kubectl = parts.kubectl;
    this.#stopEngine = parts.stop;
  }

  static async start(): Promise<Scene> {
    const engine = await ensureEngine(say);
    let node: TestNode | undefined;
    try {
      const image = await buildKeyturnImage(say);
      const natsImage = await ensureNatsImage(say);
      node = await startNode(say);
      await node.load(image, natsImage);
      const folder = await mkdtemp(join(tmpdir(), "keyturn-e2e-"));
      const scene = new Scene({ node, image, natsImage, folder, kubectl: await ensureBinary(say), stop: engine.stop });
      await writeFile(scene.kubeConfigFile, kubeConfigText(node.connection), { mode: 0o600 });
      return scene;
    } catch (error) {
      await node?.stop();
      await engine.stop();
      throw error;
    }
  }

  get client(): TestNode["client"] {
    return this.node.client;
  }

  async apply(objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) await apply(this.client, object);
  }

  /** As a person at a desk, in the workload's namespace. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const flags = ["--kubeconfig", this.kubeConfigFile, "--namespace", names.namespace];
    return (await exec(this.#kubectl, ["kubectl", ...flags, ...args])).stdout;
  }

  /** Our own command line, as a person at a desk has it; the kubeconfig leads it into the workload's namespace. */
  async keyturn(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.kubeConfigFile, KEYTURN_CLUSTER_NAMESPACE: names.namespace };
    return (await exec(process.execPath, [join(root, "src/cli/main.ts"), ...args], { env })).stdout;
  }

  /** What the client has counted once every replica has been asked about every token once more. */
  round = (): Promise<Counts> => this.client.get<Counts>(`${this.#clientPath}/round?replicas=${replicas}`);
  /** Every pod that renews has done so since now, and another key than this one has signed its token. */
  renewed = (kid = ""): Promise<Counts> =>
    this.client.get<Counts>(`${this.#clientPath}/renewed?renewers=${renewers}&kid=${kid}`);
  /** Every application that calls has done so since now, and none with a token of this key. */
  called = (kid = ""): Promise<Counts> =>
    this.client.get<Counts>(`${this.#clientPath}/called?callers=${ways.length}&kid=${kid}`);
  /** So many clients with sessions have had an echo of what they sent since now, and no token of this key any more. */
  talked = (kid = "", clients: number = talkers): Promise<Counts> =>
    this.client.get<Counts>(`${this.#clientPath}/talked?clients=${clients}&kid=${kid}`);
  /** The session of this client has ended for good. */
  ended = (client: string): Promise<Counts> => this.client.get<Counts>(`${this.#clientPath}/ended?client=${client}`);
  tell = (revocation: Revocation): Promise<object> => this.client.create(`${this.#clientPath}/revocations`, revocation);

  /** What the gateway of a replica measures. */
  async metrics(pod: string): Promise<string> {
    return this.kubectl("get", "--raw", `/api/v1/namespaces/${names.namespace}/pods/${pod}:9090/proxy/metrics`);
  }

  /** What the story ran on. */
  async versions(): Promise<Readonly<Record<string, string>>> {
    const { gitVersion } = await this.client.get<{ gitVersion: string }>("/version");
    return { kubernetes: gitVersion, helm: await helmVersion(), node: process.version };
  }

  /** Pods, events and logs: what a person would ask for who has to find out what went wrong. */
  async diagnosis(): Promise<string> {
    const asked = [
      ["get", "pods,jobs,jkr,kra", "--all-namespaces", "--output", "wide"],
      ["get", "events", "--all-namespaces"],
      ["get", "jkr", "--all-namespaces", "--output", "yaml"],
      ["logs", "--namespace", names.system, "--selector", "app.kubernetes.io/name=keyturn", "--tail=200", "--prefix"],
      ["logs", "--selector", `app=${names.app}`, "--all-containers", "--tail=60", "--prefix"],
      ["logs", names.client, "--tail=60"],
      ["logs", "--selector", "app.kubernetes.io/component=issuer", "--tail=100", "--prefix"],
      ["logs", "--selector", `app=${names.renewer}`, "--tail=60", "--prefix"],
      ["logs", "--selector", `app=${names.caller}`, "--all-containers", "--tail=60", "--prefix"],
      ["logs", "--selector", `app=${names.talker}`, "--all-containers", "--tail=60", "--prefix"],
      ["logs", names.bus, "--tail=60"],
    ];
    const answers = asked.map(async (args) => {
      const answer = await this.kubectl(...args).catch((error: unknown) => String(error));
      return `$ kubectl ${args.join(" ")}\n${answer}`;
    });
    return [...(await Promise.all(answers)), await this.node.logs()].join("\n\n");
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await rm(this.folder, { recursive: true, force: true });
    await this.#stopEngine();
  }

  get #clientPath(): string {
    return `/api/v1/namespaces/${names.namespace}/pods/${names.client}:8080/proxy`;
  }
}
