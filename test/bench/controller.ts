import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../hack/run.ts";
import { startCluster } from "../../hack/testcluster/cluster.ts";
import { KubeClient, type KubeObject } from "../../hack/testcluster/client.ts";
import type { Connection } from "../../hack/testcluster/connection.ts";
import { bareCreate, bareRead, bareRotation } from "./controller-bare.ts";
import type { Counted } from "./controller-child.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { percentile, timeOf } from "./times.ts";

const namespace = "bench";
const folder = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`;
const spec = {
  rotation: { interval: "0s" },
  propagation: { minimum: "0s" },
  tokens: { issuer: "https://issuer.example", audiences: ["api"], maxTTL: "1h" },
};

export const controllerBench: FiguresBench = {
  name: "controller",
  what: "many JwtKeyRotations on a real API server, which shares the machine",
  figures: async (isQuick) => {
    const cluster = await startCluster({ manifests: [join(root, "crds")], say: (line) => console.error(line) });
    try {
      return await measured(
        cluster.connection,
        isQuick ? { count: 5, idleMs: 100, requests: 5 } : { count: 1000, idleMs: 60_000, requests: 200 },
      );
    } finally {
      await cluster.stop();
    }
  },
};

interface Size {
  readonly count: number;
  readonly idleMs: number;
  readonly requests: number;
}

async function measured(connection: Connection, { count, idleMs, requests }: Size): Promise<readonly Figure[]> {
  const admin = new KubeClient(connection);
  await admin.create("/api/v1/namespaces", { metadata: { name: namespace } });
  const names = Array.from({ length: count }, (_, i) => `r${i}`);
  for (const name of names)
    await admin.create(folder, {
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name },
      spec,
    });

  const first = new Controller(connection);
  const syncMs = await timeOf(() => allReady(admin, count));
  await first.end();
  const bareMs = await timeOf(() => bareCreate(admin, namespace, count));

  const second = new Controller(connection, true);
  const restartMs = await timeOf(() => second.until(({ calls }) => (calls["GET secrets ring"] ?? 0) >= count));
  const bareReadMs = await timeOf(() => bareRead(admin, namespace, count));
  const { rssMiB } = await second.count();
  const emptyMiB = await emptyProcessMiB();

  const before = await second.count();
  const waits: number[] = [];
  for (const name of names.slice(0, requests)) waits.push(await requestToActive(admin, name));
  await allHandled(admin, Math.min(requests, count));
  const after = await second.count();
  const perRotation = (key: string): number => ((after.calls[key] ?? 0) - (before.calls[key] ?? 0)) / waits.length;
  const bareWaits: number[] = [];
  for (let i = 0; i < waits.length; i++)
    bareWaits.push(await timeOf(() => bareRotation(admin, namespace, `bare-${i % count}`)));

  const idleBefore = total(await second.count());
  await sleep(idleMs);
  const idleAfter = total(await second.count());
  await second.end();
  admin.close();
  const idle = (key: "lease" | "other"): number => ((idleAfter[key] - idleBefore[key]) * 60_000) / idleMs;
  return [
    {
      what: `${count} new rotations to Ready`,
      unit: "ms",
      ours: syncMs,
      baseline: { name: "their keys and objects, made one by one", value: bareMs },
    },
    {
      what: `restart, until ${count} rings were read`,
      unit: "ms",
      ours: restartMs,
      baseline: { name: "the same objects read one by one", value: bareReadMs },
    },
    {
      what: `memory with ${count} rotations (RSS)`,
      unit: "MiB",
      ours: rssMiB,
      baseline: { name: "an empty Node.js process", value: emptyMiB },
    },
    {
      what: "request to active, p50",
      unit: "ms",
      ours: percentile(waits, 50),
      baseline: { name: "a key made, three objects read and written", value: percentile(bareWaits, 50) },
    },
    {
      what: "request to active, p99",
      unit: "ms",
      ours: percentile(waits, 99),
      baseline: { name: "the same", value: percentile(bareWaits, 99) },
    },
    { what: "writes of the ring, per rotation", unit: "writes", ours: perRotation("PUT secrets ring"), goal: "3" },
    { what: "writes of the signer, per rotation", unit: "writes", ours: perRotation("PUT secrets"), goal: "3" },
    {
      what: "writes of the public object, per rotation",
      unit: "writes",
      ours: perRotation("PUT configmaps"),
      goal: "3",
    },
    {
      what: "writes of the status, per rotation",
      unit: "writes",
      ours: perRotation("PUT jwtkeyrotations/status"),
      goal: "few",
    },
    { what: "requests for the Lease when idle", unit: "a minute", ours: idle("lease") },
    { what: "all other requests when idle", unit: "a minute", ours: idle("other"), goal: "watches, drift" },
  ];
}

/** The controller as a process. */
class Controller {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(connection: Connection, hasLease = false) {
    const script = join(import.meta.dirname, "controller-child.ts");
    const child = spawn(process.execPath, [script, JSON.stringify({ connection, namespace, hasLease })], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async count(): Promise<Counted> {
    this.#child.stdin?.write("count\n");
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value) as Counted;
  }

  async until(fits: (counted: Counted) => boolean): Promise<void> {
    while (!fits(await this.count())) await sleep(5);
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
  }
}

interface Watched {
  readonly activeKid?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly keys?: readonly { readonly publishedTime?: string }[];
}
const statusOf = (object: KubeObject): Watched => object["status"] ?? {};

async function watchUntil(admin: KubeClient, query: string, isDone: (object: KubeObject) => boolean): Promise<void> {
  for await (const { object } of admin.watch(`${folder}?${query}`)) if (isDone(object)) return;
}

async function allReady(admin: KubeClient, count: number): Promise<void> {
  const ready = new Set<string>();
  await watchUntil(admin, "timeoutSeconds=3600", (object) => {
    const { conditions = [], keys = [] } = statusOf(object);
    const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    if (isReady && keys.every(({ publishedTime }) => publishedTime !== undefined)) ready.add(object.metadata.name);
    return ready.size === count;
  });
}

/** From the write of the request to the moment at which another key signs, as the Secret's reader sees it. */
async function requestToActive(admin: KubeClient, name: string): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const kidOf = (object: KubeObject): unknown => (object["data"] as { kid?: string } | undefined)?.kid;
  const secret = await admin.get(path);
  const seen = (async () => {
    const query = `fieldSelector=metadata.name=${name}&timeoutSeconds=3600`;
    for await (const { object } of admin.watch(`/api/v1/namespaces/${namespace}/secrets?${query}`)) {
      if (kidOf(object) !== kidOf(secret)) return;
    }
  })();
  return timeOf(async () => {
    await admin.merge(`${folder}/${name}`, { spec: { rotation: { requestID: "bench" } } });
    await seen;
  });
}

/** Until the new standbys are published and the old keys quiesced. */
async function allHandled(admin: KubeClient, count: number): Promise<void> {
  const done = new Set<string>();
  await watchUntil(admin, "timeoutSeconds=3600", (object) => {
    const { keys = [] } = statusOf(object);
    if (keys.length === 3 && keys.every((key) => key.publishedTime !== undefined)) done.add(object.metadata.name);
    return done.size >= count;
  });
}

function total({ calls }: Counted): { readonly lease: number; readonly other: number } {
  const sum = (isLease: boolean): number =>
    Object.entries(calls).reduce((all, [key, times]) => (key.includes("leases") === isLease ? all + times : all), 0);
  return { lease: sum(true), other: sum(false) };
}

async function emptyProcessMiB(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "console.log(process.memoryUsage.rss() / 2 ** 20)"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return Number(line);
}
