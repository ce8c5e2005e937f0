import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { root } from "../../../hack/run.ts";
import { type ClusterFacts, factsOf, startCluster } from "../../../hack/testcluster/cluster.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The cluster that all files of test/integration share, each in namespaces of its own. */
    readonly cluster: ClusterFacts;
  }
}

/** Starts the one cluster of a test run; its logs outlive the run if a test fails. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  console.log("A cluster for the tests:");
  // The other policy names a controller: each test that needs it makes one for its own namespace
  const manifests = ["crds", "policies/keyringacks.yaml"].map((path) => join(root, path));
  const started = await startCluster({ manifests, say: (line) => console.log(line) });
  const cluster = factsOf(started);
  project.provide("cluster", cluster);
  return async () => {
    const keepLogs = project.vitest.state.getCountOfFailedTests() > 0;
    await started.stop({ keepLogs });
    if (keepLogs && cluster.logs !== undefined) console.log(`The cluster's logs: ${cluster.logs}`);
  };
}
