import type { TestProject } from "vitest/node";
import { factsOf, startCluster } from "../../../../hack/testcluster/cluster.ts";

/** Starts a cluster that has nothing of Keyturn's: the chart brings it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  console.log("A cluster for releases:");
  const started = await startCluster({ say: (line) => console.log(line) });
  const cluster = factsOf(started);
  // Deployments, Jobs, the tokens of their pods: without these controllers nothing comes of a release
  if (!cluster.hasControllers) throw new Error("Cannot test releases: the cluster must have kube-controller-manager");
  project.provide("cluster", cluster);
  return async () => {
    const keepLogs = project.vitest.state.getCountOfFailedTests() > 0;
    await started.stop({ keepLogs });
    if (keepLogs && cluster.logs !== undefined) console.log(`The cluster's logs: ${cluster.logs}`);
  };
}
