import { freePort } from "../free-port.ts";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { KubeClient } from "./client.ts";
import { type Connection, kubeConfigText } from "./connection.ts";
import { keepProcesses, type Keep } from "./processes.ts";

type Command = readonly [string, ...string[]];

/** How to start the parts of a control plane: a program of its own each, or one for all with the name as first argument. */
export interface Programs {
  readonly etcd: Command;
  readonly apiServer: Command;
  /** Absent: nothing collects garbage, makes service accounts or empties a deleted namespace. */
  readonly controllerManager?: Command;
}

/** The servers of a cluster, to be broken by a test. */
export interface Servers {
  /** Kills the API server and etcd; resolves when both are gone. */
  readonly kill: () => Promise<void>;
  /** Starts them again on the same port; resolves when they are ready. */
  readonly start: () => Promise<void>;
  /** etcd stands still until `meanwhile` is over: what it has written is whole as after a crash. */
  readonly hold: (meanwhile: () => Promise<void>) => Promise<void>;
  /** What etcd has written. Its copy is a backup, while etcd does not run or stands still. */
  readonly data: string;
}

/** A control plane that runs on this machine. */
export interface ControlPlane {
  readonly servers: Servers;
  readonly connection: Connection;
  readonly keep: Keep;
  readonly kubeConfigFile: string;
  /** Resolves when the controllers work: begins only then, so that they know every custom resource from the start. */
  readonly startControllers: () => Promise<void>;
}

const readyMs = 60_000;
const pollMs = 20;

/** Files that the servers read: the key that signs service account tokens, and the administrator's token. */
function makeCredentials(pki: string): string {
  mkdirSync(pki, { mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(pki, "sa.key"), privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  writeFileSync(join(pki, "sa.pub"), publicKey.export({ type: "spki", format: "pem" }));
  const token = randomBytes(24).toString("base64url");
  writeFileSync(join(pki, "tokens.csv"), `${token},keyturn-test-admin,1,system:masters\n`, { mode: 0o600 });
  return token;
}

/**
 * Unix sockets, since nobody else has to reach it: the addresses that it makes known lead nowhere. Nothing is synced to the
 * disk, since nothing has to outlive it.
 */
const etcdFlags = (folder: string): readonly string[] => [
  `--data-dir=${folder}/etcd`,
  "--unsafe-no-fsync",
  "--log-level=warn",
  `--listen-client-urls=unix://${folder}/etcd.sock`,
  "--advertise-client-urls=http://localhost:2379",
  `--listen-peer-urls=unix://${folder}/peer.sock`,
  "--initial-advertise-peer-urls=http://localhost:2380",
  "--initial-cluster=default=http://localhost:2380",
];

const apiServerFlags = (folder: string, port: number): readonly string[] => [
  `--etcd-servers=unix://${folder}/etcd.sock`,
  "--bind-address=127.0.0.1",
  "--advertise-address=127.0.0.1",
  "--endpoint-reconciler-type=none",
  `--secure-port=${port}`,
  `--cert-dir=${folder}/pki`,
  `--token-auth-file=${folder}/pki/tokens.csv`,
  "--authorization-mode=Node,RBAC",
  "--enable-admission-plugins=NodeRestriction",
  "--allow-privileged=true",
  "--service-cluster-ip-range=10.96.0.0/16",
  "--service-account-issuer=https://kubernetes.default.svc",
  `--service-account-key-file=${folder}/pki/sa.pub`,
  `--service-account-signing-key-file=${folder}/pki/sa.key`,
];

/** Without those that look after nodes: nothing takes away a pod that a test calls running, on a node that is not there. */
const controllers = [
  "namespace-controller",
  "garbage-collector-controller",
  "serviceaccount-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
  "validatingadmissionpolicy-status-controller",
  "deployment-controller",
  "replicaset-controller",
  "job-controller",
  "disruption-controller",
];

/** Each controller as its own service account, as in real clusters: policies see who does what. */
const controllerManagerFlags = (folder: string): readonly string[] => [
  `--kubeconfig=${folder}/kubeconfig`,
  `--controllers=${controllers.join(",")}`,
  // The default of 20 a second makes the start take five
  "--kube-api-qps=1000",
  "--kube-api-burst=1000",
  "--secure-port=0",
  "--leader-elect=false",
  "--use-service-account-credentials=true",
  `--service-account-private-key-file=${folder}/pki/sa.key`,
  `--root-ca-file=${folder}/pki/apiserver.crt`,
];

/** The API server makes its own certificate, and the authority that signed it, before it listens. */
function connectionOf(pki: string, port: number, token: string): Connection {
  return { server: `https://127.0.0.1:${port}`, ca: readFileSync(join(pki, "apiserver.crt"), "utf8"), token };
}

async function isReady(connect: () => Connection): Promise<boolean> {
  try {
    const client = new KubeClient(connect());
    const answer = await client.text("GET", "/readyz");
    client.close();
    return answer === "ok";
  } catch {
    return false;
  }
}

/** Polls, because neither an open port nor a log line says that an API server is ready. */
async function ready(connect: () => Connection, keep: Keep): Promise<Connection> {
  const deadlineMs = performance.now() + readyMs;
  while (performance.now() < deadlineMs) {
    if (await Promise.race([isReady(connect), keep.broken])) return connect();
    await after(pollMs);
  }
  throw new Error(`Cannot start the control plane: it must be ready within ${readyMs / 1000} s, see ${keep.logs}`);
}

/** The first service account is the sign that the controllers have read what they need. */
async function firstServiceAccount(connection: Connection): Promise<void> {
  const client = new KubeClient(connection);
  const signal = AbortSignal.timeout(readyMs);
  const path = "/api/v1/namespaces/default/serviceaccounts?fieldSelector=metadata.name=default";
  const events = client.watch(path, signal);
  await events.next();
  await events.return(undefined);
  client.close();
}

async function start(programs: Programs, keep: Keep): Promise<ControlPlane> {
  const { folder } = keep;
  const pki = join(folder, "pki");
  const token = makeCredentials(pki);
  const port = await freePort();
  const begin = (): Promise<Connection> => {
    keep.start("etcd", [...programs.etcd, ...etcdFlags(folder)]);
    keep.start("kube-apiserver", [...programs.apiServer, ...apiServerFlags(folder, port)]);
    return ready(() => connectionOf(pki, port, token), keep);
  };
  const connection = await begin();
  const kubeConfigFile = join(folder, "kubeconfig");
  writeFileSync(kubeConfigFile, kubeConfigText(connection), { mode: 0o600 });
  return {
    connection,
    keep,
    kubeConfigFile,
    servers: {
      async kill() {
        await Promise.all([keep.kill("kube-apiserver"), keep.kill("etcd")]);
      },
      async start() {
        await begin();
      },
      async hold(meanwhile) {
        keep.signal("etcd", "SIGSTOP");
        await meanwhile().finally(() => keep.signal("etcd", "SIGCONT"));
      },
      data: join(folder, "etcd"),
    },
    async startControllers() {
      if (programs.controllerManager === undefined) return;
      keep.start("kube-controller-manager", [...programs.controllerManager, ...controllerManagerFlags(folder)]);
      await Promise.race([firstServiceAccount(connection), keep.broken]);
    },
  };
}

const attempts = 3;

function lostItsPort(logs: string): boolean {
  const log = join(logs, "kube-apiserver.log");
  return existsSync(log) && readFileSync(log, "utf8").includes("address already in use");
}

/** Starts etcd and the API server. Another program may take the port in between: then once more with another. */
export async function startControlPlane(programs: Programs): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    const keep = await keepProcesses();
    try {
      return await start(programs, keep);
    } catch (error) {
      const again = attempt < attempts && lostItsPort(keep.logs);
      await keep.stop({ keepLogs: !again });
      if (!again) throw error;
    }
  }
}
