import { stat } from "node:fs/promises";
import { systemClock } from "../time/clock.ts";
import { KubeClient } from "../kube/client.ts";
import { type ClientTransport, Transport } from "../kube/transport.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { directoryHome } from "../standalone/directory-home.ts";
import type { RingHome, RotationSummary } from "../keeper/home.ts";
import type { ManyRotations } from "../tools/status/overview.ts";
import { clusterAccess } from "./cluster-access.ts";
import { UsageError } from "./report-error.ts";

import type { HomeFlags, Shown } from "./surroundings.ts";
import type { Clocks } from "../time/clock.ts";
import { quoted, quotedPath } from "../errors/quote.ts";
import type { Env } from "./terminal.ts";
import { longestTimerMs } from "./flags.ts";

/** What opening takes of the process. */
export interface Opening {
  readonly clock: Clocks;
  readonly env: Env;
  readonly version: string;
}

/** Where the rotation lives that the flags mean: in a directory when one is named, else on a cluster. The one choice. */
function placeOf(flags: HomeFlags): { readonly dir: string } | "cluster" {
  const { dir, rotation, namespace, allNamespaces, context, kubeconfig, server, as, selector } = flags;
  if (dir === undefined || dir === "") return "cluster";
  const ofCluster = {
    ...{ "a name": rotation, "--namespace": namespace, "--context": context, "--kubeconfig": kubeconfig },
    ...{ "--server": server, "--as": as, "--selector": selector },
  };
  const all = allNamespaces === true ? "--all-namespaces" : undefined;
  const named = all ?? Object.entries(ofCluster).find(([, value]) => value !== undefined)?.[0];
  if (named === undefined) return { dir };
  throw new UsageError(
    `Cannot use --dir ${quotedPath(dir)} (or KEYTURN_DIR) with ${named}: must be a rotation in a directory or one on a cluster`,
  );
}

/** The rotation that the flags mean: by name, or the only one of the namespace. */
export async function openHome(flags: HomeFlags, opening: Opening): Promise<RingHome> {
  const place = placeOf(flags);
  if (place !== "cluster") return inDirectory(place.dir, opening.clock);
  const cluster = await openCluster(flags, opening);
  return onCluster(cluster, flags.rotation ?? theOnly(await listed(cluster), cluster.namespace));
}

/** What `status` shows: the same, or several where several could be meant. */
export async function openShown(flags: HomeFlags, opening: Opening): Promise<Shown> {
  const { rotation, allNamespaces = false, selector } = flags;
  const many = allNamespaces ? "--all-namespaces" : selector === undefined ? undefined : "--selector";
  if (rotation !== undefined && many !== undefined) {
    throw new UsageError(`Cannot use ${many} with ${quoted(rotation)}: must be one or the other`);
  }
  if (placeOf(flags) !== "cluster" || rotation !== undefined) return { home: await openHome(flags, opening) };
  const cluster = await openCluster(flags, opening);
  const several = await severalOn(cluster, { allNamespaces, ...(selector !== undefined && { selector }) });
  if (many !== undefined) return { several };
  const first = await several.look();
  const [only, ...others] = first.rotations;
  if (only && others.length === 0) return { home: await onCluster(cluster, only.name) };
  // The look that told how many there are is the first one that is shown
  const unshown = [first];
  return { several: { ...several, look: async () => unshown.pop() ?? several.look() } };
}

interface Which {
  readonly allNamespaces: boolean;
  readonly selector?: string;
}

async function severalOn(
  { client, namespace, where }: Cluster,
  { allNamespaces, selector }: Which,
): Promise<ManyRotations> {
  const { listRotations, rotationChanges } = await import("../cluster/home/list-rotations.ts");
  const { transport } = client;
  const selection = {
    ...(!allNamespaces && { namespace }),
    ...(selector !== undefined && { labelSelector: selector }),
  };
  const place = allNamespaces ? `in ${where}` : `in namespace "${namespace}" of ${where}`;
  return {
    look: async () => ({
      rotations: await listRotations(client, selection),
      acrossNamespaces: allNamespaces,
      where: selector === undefined ? place : `with ${selector} ${place}`,
      nowMs: transport.serverNowMs() ?? transport.clock.nowMs(),
    }),
    changes: (signal) => rotationChanges(client, selection, signal),
  };
}

async function inDirectory(dir: string, clock: Clocks): Promise<RingHome> {
  const found = await stat(dir).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    const is = found ? "is a file" : "is not there";
    throw new ChangeNeededError("NoDirectory", `Cannot use --dir ${quotedPath(dir)}: must be a directory, ${is}`);
  }
  return directoryHome(dir, { clock });
}

interface Cluster {
  readonly client: KubeClient;
  readonly namespace: string;
  /** For people. */
  readonly where: string;
  readonly timeoutMs: number;
}

/** A person waits: what does not answer is said soon, in milliseconds. */
const patienceMs = 10_000;

async function openCluster(flags: HomeFlags, { env, version }: Opening): Promise<Cluster> {
  const { as, asGroup, asUid, requestTimeout = patienceMs } = flags;
  if (as === undefined && (asGroup !== undefined || asUid !== undefined)) {
    const name = asGroup === undefined ? "--as-uid" : "--as-group";
    throw new UsageError(`Cannot use ${name}: must stand with --as, which says who it is`);
  }
  const timeoutMs = requestTimeout === 0 ? longestTimerMs : Math.min(requestTimeout, longestTimerMs);
  const { endpoint, namespace, where } = await clusterAccess(flags, env);
  const userAgent = `keyturn/${version}`;
  const transport = new Transport({ endpoint, clock: systemClock, chance: () => Math.random(), userAgent });
  const caller: ClientTransport = {
    call: (request) => transport.call({ timeoutMs, totalMs: timeoutMs, ...request }),
    open: (request) => transport.open(request),
    serverNowMs: () => transport.serverNowMs(),
    serverDoubtMs: () => transport.serverDoubtMs(),
    clock: transport.clock,
    chance: transport.chance,
  };
  return { client: new KubeClient(caller), namespace: flags.namespace ?? namespace, where, timeoutMs };
}

async function onCluster({ client, namespace, where, timeoutMs }: Cluster, name: string): Promise<RingHome> {
  const { clusterHome } = await import("../cluster/home/cluster-home.ts");
  return clusterHome(client, { namespace, name }, { where, requestMs: timeoutMs });
}

async function listed({ client, namespace }: Cluster): Promise<readonly RotationSummary[]> {
  const { listRotations } = await import("../cluster/home/list-rotations.ts");
  return listRotations(client, { namespace });
}

function theOnly(rotations: readonly RotationSummary[], namespace: string): string {
  const [first, ...others] = rotations;
  if (!first) {
    throw new ChangeNeededError("NoSuchRotation", `Cannot find a JwtKeyRotation: namespace "${namespace}" has none`);
  }
  if (others.length === 0) return first.name;
  const names = rotations.map(({ name }) => name).join(", ");
  throw new UsageError(`Cannot tell which rotation is meant: must be named, namespace "${namespace}" has ${names}`);
}
