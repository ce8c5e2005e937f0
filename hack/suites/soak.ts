import type { Say } from "../testcluster/build.ts";
import { buildCluster, clusterNeeds } from "../testcluster/cluster.ts";
import { type Rung, rungs } from "../testcluster/ladder.ts";

const withServers = (): readonly Rung[] => rungs().filter(({ hasServers }) => hasServers === true);

/** Why there is no API server here that may be killed, or undefined. */
export async function soakNeeds(): Promise<string | undefined> {
  if (process.platform !== "linux") return `needs Linux, and this is ${process.platform}`;
  return clusterNeeds(withServers());
}

export const buildForSoak = (say: Say): Promise<void> => buildCluster(say, withServers());
