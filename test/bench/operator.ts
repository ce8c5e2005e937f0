import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { certManagerCrds, certManagerNeeds } from "../../hack/cert-manager.ts";
import { run, root } from "../../hack/run.ts";
import { type Cluster, startCluster } from "../../hack/testcluster/cluster.ts";
import { KubeClient } from "../../hack/testcluster/client.ts";
import type { Figure, FiguresBench } from "./figures.ts";
import { totalOf } from "./operator/api-requests.ts";
import { bareRotation, makeBare } from "./operator/bare-rotation.ts";
import { type Contender, makeReady } from "./operator/contender.ts";
import { certManagerContender, keyturnContender } from "./operator/contenders.ts";
import { course, type Course, ended, restart, type Restart } from "./operator/course.ts";
import { allHandled, requestToActive, revocationToActive } from "./operator/emergencies.ts";
import { makeGateways } from "./operator/gateways.ts";
import { podIn } from "./operator/pod.ts";
import { percentile, timeOf } from "./times.ts";

interface Size {
  readonly count: number;
  readonly requests: number;
  /** So many new ones come while keys are revoked. */
  readonly newcomers: number;
}

const full: Size = { count: 400, requests: 200, newcomers: 1000 };
const quick: Size = { count: 5, requests: 3, newcomers: 5 };

/** Linux only. Beside cert-manager, where Go is there to build it; not in a quick run. */
export const operatorBench: FiguresBench = {
  name: "operator",
  what: "many JwtKeyRotations on a real API server, which shares the machine",
  figures: async (isQuick, count) => {
    const size = isQuick ? quick : { ...full, ...(count !== undefined && { count }) };
    for (const script of ["hack/bundle.ts", "dist/bundle/compile.cjs"]) {
      const { code, output } = await run(["node", script]);
      if (code !== 0) throw new Error(output);
    }
    const missing = isQuick ? "a quick run" : certManagerNeeds();
    if (missing !== undefined) console.error(`Without cert-manager: ${missing}`);
    const crds = [join(root, "crds"), ...(missing === undefined ? [await certManagerCrds()] : [])];
    const cluster = await startCluster({ manifests: crds, say: (line) => console.error(line) });
    const folder = await mkdtemp(join(tmpdir(), "keyturn-bench-"));
    try {
      const kubeConfigFile = join(folder, "kubeconfig");
      await writeFile(kubeConfigFile, stringify(cluster.kubeConfig), { mode: 0o600 });
      const ours = await keyturnContender(await podIn(folder, cluster.connection));
      const theirs = missing === undefined ? await certManagerContender(kubeConfigFile) : undefined;
      return await measured(cluster, { ours, theirs, size });
    } finally {
      await cluster.stop();
      await rm(folder, { recursive: true });
    }
  },
};

interface Contest {
  readonly ours: Contender;
  readonly theirs: Contender | undefined;
  readonly size: Size;
}

async function measured(cluster: Cluster, { ours, theirs, size }: Contest): Promise<readonly Figure[]> {
  const admin = new KubeClient(cluster.connection);
  const { count } = size;
  for (const contender of [ours, theirs]) {
    if (contender === undefined) continue;
    await admin.create("/api/v1/namespaces", { metadata: { name: contender.namespace } });
    await contender.prepare(admin);
  }
  const baseline = theirs && { name: theirs.name, ran: await course(admin, theirs, count) };
  const figures = courseFigures(await course(admin, ours, count), baseline);
  await makeGateways(admin, ours, namesTo(count));
  const { child, ...known } = await restart(admin, ours, count);
  const emergencies = await emergencyFigures(admin, ours, size);
  await ended(child);
  admin.close();
  return [...figures, ...gatewayFigures(known), ...emergencies];
}

const namesTo = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `r${i}`);

/** What it is, and what it is meant to be. */
type Row = readonly [what: string, goal?: string];

interface Beside {
  readonly name: string;
  readonly ran: Course;
}

function courseFigures(ran: Course, baseline: Beside | undefined): readonly Figure[] {
  console.error("requests for a new rotation:", ran.requests);
  if (baseline) console.error(`requests for a new one of ${baseline.name}:`, baseline.ran.requests);
  const row = (unit: Figure["unit"], [what, goal]: Row, of: (course: Course) => number): Figure => ({
    ...{ what, unit, ours: of(ran) },
    ...(baseline && { baseline: { name: baseline.name, value: of(baseline.ran) } }),
    ...(goal !== undefined && { goal }),
  });
  return [
    row("ms", ["a new one: processor time", "≤ 15"], ({ cpuMs }) => cpuMs),
    row("ms", ["a new one: processor time, of the first"], ({ firstCpuMs }) => firstCpuMs),
    row("ms", ["a new one: processor time, of the last", "no growth"], ({ lastCpuMs }) => lastCpuMs),
    row("ms", ["a new one: wall", "≤ 35"], ({ wallMs }) => wallMs),
    row("requests", ["a new one: requests", "≤ 16"], ({ requests }) => totalOf(requests)),
    row("MiB", ["memory after that (RSS)", "≤ 100 with 400"], ({ rssMiB }) => rssMiB),
    row("MiB", ["memory, the most (VmHWM)"], ({ peakMiB }) => peakMiB),
    row("ms", ["restart: processor time of each", "≤ 3.7"], ({ restart: { cpuMs } }) => cpuMs),
    row("ms", ["restart: wall of each", "≤ 3.7"], ({ restart: { wallMs } }) => wallMs),
    row("writes", ["restart: writes in all", "0"], ({ restart: { writes } }) => writes),
    row("MiB", ["memory after a restart (RSS)"], ({ restart: { rssMiB } }) => rssMiB),
    row("MiB", ["memory after a restart, the most (VmHWM)"], ({ restart: { peakMiB } }) => peakMiB),
  ];
}

function gatewayFigures({ cpuMs, wallMs, writes, rssMiB, peakMiB }: Restart): readonly Figure[] {
  const what = "with a gateway each, restart:";
  return [
    { what: `${what} processor time of each`, unit: "ms", ours: cpuMs },
    { what: `${what} wall of each`, unit: "ms", ours: wallMs },
    { what: `${what} writes in all`, unit: "writes", ours: writes, goal: "0, but for changed reports" },
    { what: `${what} memory (RSS)`, unit: "MiB", ours: rssMiB, goal: "≤ 200 with 10,000" },
    { what: `${what} memory, the most (VmHWM)`, unit: "MiB", ours: peakMiB },
  ];
}

/** While all are there, and while new ones come. Of rotations without gateways, which nobody has to acknowledge. */
async function emergencyFigures(admin: KubeClient, ours: Contender, size: Size): Promise<readonly Figure[]> {
  const idle = Array.from({ length: size.requests }, (_, i) => `idle-${i}`);
  await makeReady(admin, ours, idle);
  await makeBare(admin, ours.namespace);
  const waits: number[] = [];
  const bareWaits: number[] = [];
  for (const name of idle) {
    waits.push(await requestToActive(admin, ours, name));
    bareWaits.push(await timeOf(() => bareRotation(admin, ours.namespace)));
  }
  await allHandled(admin, ours, idle.length);
  const newcomers = Array.from({ length: size.newcomers }, (_, i) => `new-${i}`);
  const left = new Set(["newcomers"]);
  const made = makeReady(admin, ours, newcomers).then(() => left.clear());
  const revoked: number[] = [];
  for (const name of idle) {
    if (left.size === 0 && revoked.length > 0) break;
    revoked.push(await revocationToActive(admin, ours, name));
  }
  await made;
  const bare = { name: "a key made, three objects read and written" };
  const row = (all: readonly number[], percent: number, [what, goal]: Row): Figure => ({
    ...{ what: `${what}, p${percent}`, unit: "ms", ours: percentile(all, percent) },
    ...(all === waits && { baseline: { ...bare, value: percentile(bareWaits, percent) } }),
    ...(goal !== undefined && { goal }),
  });
  const busy = `revocation to active, while ${size.newcomers} new ones come`;
  return [
    row(waits, 50, ["request to active"]),
    row(waits, 99, ["request to active", "≤ 300"]),
    row(revoked, 50, [busy]),
    row(revoked, 99, [busy, "≤ 500"]),
  ];
}
