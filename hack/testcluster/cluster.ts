import { apply, readManifests } from "./apply.ts";
import type { Say } from "./build.ts";
import { KubeClient } from "./client.ts";
import { type KubeConfig, kubeConfigOf } from "./connection.ts";
import { type Found, type Rung, rungs } from "./ladder.ts";

/** A cluster for tests: an API server, and most often the controllers of its own objects. No nodes, so no pod ever runs. */
export interface Cluster extends Omit<Found, "startControllers"> {
  /** Which way led to it. */
  readonly by: string;
  /** What stands in {@link Found.kubeConfigFile}. */
  readonly kubeConfig: KubeConfig;
}

/** What of a cluster can be told to another process. */
export type ClusterFacts = Omit<Cluster, "stop" | "servers">;

export function factsOf(cluster: Cluster): ClusterFacts {
  const { by, connection, kubeConfig, kubeConfigFile, hasControllers, kubectl, logs } = cluster;
  return {
    by,
    connection,
    kubeConfig,
    kubeConfigFile,
    hasControllers,
    ...(kubectl && { kubectl }),
    ...(logs && { logs }),
  };
}

export interface ClusterOptions {
  /**
   * YAML files or folders that are applied before the controllers start: a garbage collector that already runs learns of a
   * new custom resource only after half a minute.
   */
  readonly manifests?: readonly string[];
  /** Takes the progress, for people. @default nothing is said */
  readonly say?: Say;
  /** @default {@link rungs} */
  readonly ways?: readonly Rung[];
}

/**
 * Why no cluster can be had here, in one line that says what to install, or undefined. Quick: nothing is built or started.
 */
export async function clusterNeeds(ways: readonly Rung[] = rungs()): Promise<string | undefined> {
  const reasons = await Promise.all(ways.map(async (way) => ({ way: way.name, reason: await way.missing() })));
  if (reasons.some(({ reason }) => reason === undefined)) return undefined;
  return `no way to an API server: ${reasons.map(({ way, reason }) => `${way}: ${reason ?? ""}`).join(" · ")}`;
}

/** Builds what the first way that can be had is made of. */
export async function buildCluster(say: Say, ways: readonly Rung[] = rungs()): Promise<void> {
  for (const way of ways) {
    if ((await way.missing()) !== undefined) continue;
    await way.build?.(say);
    return;
  }
}

/** The first way that works. A way that was asked for by an environment variable is the only one tried. */
async function climb(ways: readonly Rung[], say: Say): Promise<{ found: Found; by: string }> {
  const reasons: string[] = [];
  for (const way of ways) {
    const missing = await way.missing();
    try {
      if (missing !== undefined) throw new Error(missing);
      const found = await way.start(say);
      say(`  ✓ ${way.name}: ${found.connection.server}`);
      return { found, by: way.name };
    } catch (error) {
      if (missing === undefined && way.wasAskedFor) throw error;
      reasons.push(`  ✗ ${way.name}: ${error instanceof Error ? error.message : String(error)}`);
      say(reasons.at(-1) ?? "");
    }
  }
  throw new Error(`Cannot start a cluster: one of these ways must work\n${reasons.join("\n")}`);
}

/**
 * Starts a cluster, or finds one; ready when it resolves, manifests applied. Its processes end with this one, however that
 * ends.
 *
 * @throws Error that says what to install when there is no way to one.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { manifests = [], say = () => undefined, ways = rungs() } = options;
  const { found, by } = await climb(ways, say);
  const { startControllers, ...rest } = found;
  try {
    const client = new KubeClient(found.connection);
    for (const path of manifests) for (const object of await readManifests(path)) await apply(client, object);
    await startControllers();
    client.close();
  } catch (error) {
    await found.stop({ keepLogs: true });
    if (found.logs !== undefined) say(`The cluster's logs: ${found.logs}`);
    throw error;
  }
  return { ...rest, by, kubeConfig: kubeConfigOf(found.connection) };
}
