import { isIP } from "node:net";
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from "testcontainers";
import { docker, inScratch, registryAnswers } from "../docker/images.ts";
import type { Say } from "../testcluster/build.ts";
import { KubeClient, type KubeObject } from "../testcluster/client.ts";
import { type Connection, connectionOf } from "../testcluster/connection.ts";
import { ensureNodeImage } from "./image.ts";
import { sweepCgroups } from "./sweep.ts";

const apiPort = 6443;
const readyMs = 180_000;
const ownerLabel = "keyturn.dev/test-process";

/** A Kubernetes node with its control plane, in one container. */
class NodeContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    // Not privileged: that fails on a machine that lacks a capability itself
    this.withAddedCapabilities("ALL")
      .withDroppedCapabilities("SYS_RESOURCE")
      .withSecurityOpt("seccomp=unconfined", "apparmor=unconfined")
      .withBindMounts([{ source: "/sys/fs/cgroup", target: "/sys/fs/cgroup" }])
      .withExposedPorts(apiPort)
      .withLabels({ [ownerLabel]: String(process.pid) })
      .withWaitStrategy(Wait.forLogMessage("keyturn-node: ready"))
      .withStartupTimeout(readyMs);
    Object.assign(this.hostConfig, {
      CgroupnsMode: "host",
      DeviceCgroupRules: ["a *:* rwm"],
      MaskedPaths: [],
      ReadonlyPaths: [],
    });
  }

  /** Its certificate must be made for the name by which it will be reached. */
  protected override async beforeContainerCreated(): Promise<void> {
    const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
    this.withEnvironment({ API_NAME: `${isIP(host) === 0 ? "DNS" : "IP"}:${host}` });
  }
}

async function reach(container: StartedTestContainer): Promise<Connection> {
  const { output } = await container.exec(["cat", "/etc/keyturn/kubeconfig"]);
  const inside = await connectionOf(output, ".");
  return { ...inside, server: `https://${container.getHost()}:${container.getMappedPort(apiPort)}` };
}

/** A node that runs. */
export class TestNode {
  readonly connection: Connection;
  readonly client: KubeClient;
  readonly #container: StartedTestContainer;
  readonly #image: string;

  constructor(container: StartedTestContainer, image: string, connection: Connection) {
    this.#container = container;
    this.#image = image;
    this.connection = connection;
    this.client = new KubeClient(connection);
  }

  /** Runs a program inside. @throws Error with what it said, where it fails */
  async run(...command: string[]): Promise<string> {
    const { output, exitCode } = await this.#container.exec(command);
    if (exitCode !== 0) throw new Error(`Cannot run ${command.join(" ")} on the node: ${output.trim()}`);
    return output;
  }

  /** Makes images of the Docker engine known to the kubelet; it never has to pull one. */
  async load(...images: string[]): Promise<void> {
    await inScratch(async (folder) => {
      await docker("save", "--output", `${folder}/images.tar`, ...images);
      await this.#container.copyFilesToContainer([{ source: `${folder}/images.tar`, target: "/images.tar" }]);
    });
    await this.run("ctr", "--namespace", "k8s.io", "images", "import", "/images.tar");
    await this.run("rm", "/images.tar");
  }

  /** Sends a signal to the node's own part of this name: `kubelet`. */
  signal = (name: string, signal: "STOP" | "CONT"): Promise<string> => this.run("pkill", `-${signal}`, "-x", name);

  /** Ends a container at once, as the kernel would that has no memory left. */
  async kill(containerId: string): Promise<void> {
    const id = containerId.replace("containerd://", "");
    await this.run("ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", id);
  }

  /** The last lines of each of its logs. */
  logs = (): Promise<string> => this.run("bash", "-c", "tail -n 15 /var/log/keyturn/*.log");

  async stop(): Promise<void> {
    this.client.close();
    await this.#container.stop();
    await sweepCgroups(this.#image, [this.#container.getId()]);
  }
}

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

function isReady(node: KubeObject): boolean {
  const { conditions = [] } = (node["status"] ?? {}) as Status;
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

async function ready(node: TestNode): Promise<void> {
  const signal = AbortSignal.timeout(readyMs);
  for await (const { object } of node.client.watch("/api/v1/nodes", signal)) if (isReady(object)) return;
  throw new Error("Cannot start the node: it must become Ready");
}

/** Nodes of runs that were killed: nothing else takes them away where testcontainers' reaper can't be pulled. */
async function removeOrphans(image: string): Promise<void> {
  const listed = await docker(
    "ps",
    "--all",
    "--filter",
    `label=${ownerLabel}`,
    "--format",
    `{{.ID}} {{.Label "${ownerLabel}"}}`,
  );
  const nodes = listed.split("\n").map((line) => line.split(" "));
  const orphans = nodes.flatMap(([id, pid]) => (id && !runs(Number(pid)) ? [id] : []));
  for (const id of orphans) await docker("rm", "--force", "--volumes", id);
  await sweepCgroups(image, orphans);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Starts a node in a container. Call `stop()` when done with it. */
export async function startNode(say: Say): Promise<TestNode> {
  const image = await ensureNodeImage(say);
  if (!(await registryAnswers())) process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  await removeOrphans(image);
  const startedAt = performance.now();
  const container = await new NodeContainer(image).start();
  const node = new TestNode(container, image, await reach(container));
  try {
    await ready(node);
  } catch (error) {
    say(await node.logs());
    await node.stop();
    throw error;
  }
  say(`Node Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return node;
}
