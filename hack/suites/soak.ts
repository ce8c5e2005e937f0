import { clusterNeeds } from "../testcluster/cluster.ts";
import { rungs } from "../testcluster/ladder.ts";

/** Why there is no API server here that may be killed, or undefined. */
export async function soakNeeds(): Promise<string | undefined> {
  if (process.platform !== "linux") return `needs Linux, and this is ${process.platform}`;
  return clusterNeeds(rungs().filter(({ hasServers }) => hasServers === true));
}
