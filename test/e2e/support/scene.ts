import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureEngine } from "../../../hack/docker/engine.ts";
import { buildKeyturnImage } from "../../../hack/docker/keyturn-image.ts";
import { root } from "../../../hack/run.ts";
import { apply } from "../../../hack/testcluster/apply.ts";
import { ensureBinary } from "../../../hack/testcluster/build.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { kubeConfigText } from "../../../hack/testcluster/connection.ts";
import { startNode, type TestNode } from "../../../hack/testnode/node.ts";
import type { Counts, Revocation } from "../workload/counts.ts";
import { type HelmHome, helmVersion } from "./helm.ts";
import { names, replicas } from "./names.ts";

const exec = promisify(execFile);

const say = (line: string): void => console.log(line);

/** A node with Keyturn's image, and what the story needs to act on it as people do. */
export class Scene implements HelmHome {
  readonly node: TestNode;
  readonly image: string;
  readonly folder: string;
  readonly kubeConfigFile: string;
  readonly #kubectl: string;
  readonly #stopEngine: () => Promise<void>;

  private constructor(
    parts: Pick<Scene, "node" | "image" | "folder"> & { kubectl: string; stop: () => Promise<void> },
  ) {
    this.node = parts.node;
    this.image = parts.image;
    this.folder = parts.folder;
    this.kubeConfigFile = join(parts.folder, "kubeconfig");
    this.#kubectl = parts.kubectl;
    this.#stopEngine = parts.stop;
  }

  static async start(): Promise<Scene> {
    const engine = await ensureEngine(say);
    const image = await buildKeyturnImage(say);
    const node = await startNode(say);
    await node.load(image);
    const folder = await mkdtemp(join(tmpdir(), "keyturn-e2e-"));
    const scene = new Scene({ node, image, folder, kubectl: await ensureBinary(say), stop: engine.stop });
    await writeFile(scene.kubeConfigFile, kubeConfigText(node.connection), { mode: 0o600 });
    return scene;
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

  /** The same for our own command line. */
  async keyturn(...args: readonly string[]): Promise<string> {
    const flags = ["--kubeconfig", this.kubeConfigFile, "--namespace", names.namespace];
    const { stdout } = await exec(process.execPath, [join(root, "src/cli/main.ts"), ...args, ...flags]);
    return stdout;
  }

  /** What the client has counted once every replica has been asked about every token once more. */
  round = (): Promise<Counts> => this.client.get<Counts>(`${this.#clientPath}/round?replicas=${replicas}`);
  tell = (revocation: Revocation): Promise<object> => this.client.create(`${this.#clientPath}/revocations`, revocation);

  /** What the story ran on. */
  async versions(): Promise<Readonly<Record<string, string>>> {
    const { gitVersion } = await this.client.get<{ gitVersion: string }>("/version");
    return { kubernetes: gitVersion, helm: await helmVersion(), node: process.version };
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
