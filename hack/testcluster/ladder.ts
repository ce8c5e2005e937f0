import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { binaryPath, ensureBinary, isExecutable, kubernetesVersion, programOnPath, type Say } from "./build.ts";
import { type Connection, connectionOf, kubeConfigText, readKubeConfig } from "./connection.ts";
import { startControlPlane, type Programs, type Servers } from "./control-plane.ts";
import { keepProcesses } from "./processes.ts";

/** A way to an API server that works. */
export interface Found {
  readonly connection: Connection;
  readonly kubeConfigFile: string;
  /** A folder of log files; absent where the servers are somebody else's. */
  readonly logs?: string;
  /** False where only etcd and the API server run: no garbage collection, no service accounts made by themselves. */
  readonly hasControllers: boolean;
  /** What starts a kubectl; absent where there is none. */
  readonly kubectl?: readonly [string, ...string[]];
  /** Absent where the servers are somebody else's. */
  readonly servers?: Servers;
  readonly startControllers: () => Promise<void>;
  readonly stop: (options?: { readonly keepLogs?: boolean }) => Promise<void>;
}

/** One way to come by an API server. */
export interface Rung {
  readonly name: string;
  /** Why it is no way here, or undefined. Says what to install or to set; quick, and starts nothing. */
  missing(): Promise<string | undefined>;
  /** A way that was asked for, and fails, fails loudly; no other is tried in its place. */
  readonly wasAskedFor: boolean;
  /** Its servers are ours: {@link Found.servers}. */
  readonly hasServers?: true;
  /** Makes what it starts, where that is not there yet. */
  build?(say: Say): Promise<unknown>;
  start(say: Say): Promise<Found>;
}

const systemKubectl = (): Pick<Found, "kubectl"> => {
  const kubectl = programOnPath("kubectl");
  return kubectl === undefined ? {} : { kubectl: [kubectl] };
};

const nothing = (): Promise<void> => Promise.resolve();

/** A cluster that exists. It gets our custom resources and policies, and keeps them. */
function existing(file: string | undefined): Rung {
  return {
    name: "KEYTURN_TEST_KUBECONFIG",
    wasAskedFor: true,
    missing: () => Promise.resolve(file ? undefined : "not set; it names the kubeconfig of a cluster made for tests"),
    async start() {
      const kubeConfigFile = resolve(file ?? "");
      const connection = await readKubeConfig(kubeConfigFile);
      return {
        connection,
        kubeConfigFile,
        hasControllers: true,
        ...systemKubectl(),
        startControllers: nothing,
        stop: nothing,
      };
    },
  };
}

async function startPrograms(programs: Programs, kubectl: Pick<Found, "kubectl">): Promise<Found> {
  const { connection, keep, kubeConfigFile, servers, startControllers } = await startControlPlane(programs);
  return {
    connection,
    kubeConfigFile,
    logs: keep.logs,
    hasControllers: programs.controllerManager !== undefined,
    ...kubectl,
    servers,
    startControllers,
    stop: keep.stop,
  };
}

/** The folder that controller-runtime's `setup-envtest` fills. */
function assets(folder: string | undefined): Rung {
  const program = (name: string): string => join(resolve(folder ?? ""), name);
  return {
    name: "KUBEBUILDER_ASSETS",
    wasAskedFor: true,
    hasServers: true,
    missing: () => Promise.resolve(folder ? undefined : "not set; it names a folder with etcd and kube-apiserver"),
    start() {
      for (const name of ["etcd", "kube-apiserver"])
        if (!isExecutable(program(name)))
          throw new Error(`Cannot use KUBEBUILDER_ASSETS="${folder}": must have ${name}`);
      const manager = program("kube-controller-manager");
      const programs: Programs = {
        etcd: [program("etcd")],
        apiServer: [program("kube-apiserver")],
        ...(isExecutable(manager) && { controllerManager: [manager] }),
      };
      const kubectl = program("kubectl");
      return startPrograms(programs, isExecutable(kubectl) ? { kubectl: [kubectl] } : systemKubectl());
    },
  };
}

const built: Rung = {
  name: "the Go-built binary",
  wasAskedFor: false,
  hasServers: true,
  async missing() {
    if (isExecutable(await binaryPath()) || programOnPath("go") !== undefined) return undefined;
    return "not built yet, and no go on PATH; install Go 1.25 or newer (https://go.dev/dl)";
  },
  build: ensureBinary,
  async start(say) {
    const binary = await ensureBinary(say);
    const programs: Programs = {
      etcd: [binary, "etcd"],
      apiServer: [binary, "kube-apiserver"],
      controllerManager: [binary, "kube-controller-manager"],
    };
    return startPrograms(programs, { kubectl: [binary, "kubectl"] });
  },
};

/** Written by the documentation of testcontainers: no machine of ours with a container registry has run it yet. */
const k3s: Rung = {
  name: "k3s in Docker",
  wasAskedFor: false,
  async missing() {
    const command = ["version", "--format", "{{.Server.Version}}"];
    const answers = await promisify(execFile)("docker", command).then(
      () => true,
      () => false,
    );
    return answers ? undefined : "no Docker engine answers; install or start one";
  },
  async start(say) {
    const { K3sContainer } = await import("@testcontainers/k3s");
    const image = `rancher/k3s:${await kubernetesVersion()}-k3s1`;
    say(`Starting ${image}`);
    const container = await new K3sContainer(image).start();
    const connection = await connectionOf(container.getKubeConfig(), ".");
    const keep = await keepProcesses();
    const kubeConfigFile = join(keep.folder, "kubeconfig");
    await writeFile(kubeConfigFile, kubeConfigText(connection), { mode: 0o600 });
    return {
      connection,
      kubeConfigFile,
      hasControllers: true,
      ...systemKubectl(),
      startControllers: nothing,
      async stop() {
        await container.stop();
        await keep.stop();
      },
    };
  },
};

/** Every way, in the order in which they are tried. */
export const rungs = (env: NodeJS.ProcessEnv = process.env): readonly Rung[] => [
  existing(env["KEYTURN_TEST_KUBECONFIG"]),
  assets(env["KUBEBUILDER_ASSETS"]),
  built,
  k3s,
];
