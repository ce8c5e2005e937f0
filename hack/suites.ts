import { runSteps, staticSteps } from "./gate.ts";
import { buildGitOps } from "./gitops.ts";
import { buildHelms, helmNeeds } from "./helm.ts";
import { buildKustomize } from "./kustomize.ts";
import type { Lane } from "./lanes.ts";
import { buildNative } from "./native.ts";
import { buildNats } from "./nats.ts";
import { postgresNeeds } from "./postgres.ts";
import { e2eNeeds, runE2e } from "./suites/e2e.ts";
import { buildForSoak, soakNeeds } from "./suites/soak.ts";
import type { Stage } from "./suites/stage.ts";
import { runProject, testsIn } from "./suites/vitest.ts";
import { ensureBinary, type Say } from "./testcluster/build.ts";
import { buildCluster, clusterNeeds } from "./testcluster/cluster.ts";
import type { Outcome } from "./verdict.ts";

export interface Suite {
  readonly name: string;
  readonly what: string;
  readonly lane: Lane;
  /** Why it can't run on this machine, or undefined if it can. Says what is missing: `no Docker engine answers`. */
  readonly needs?: () => string | undefined | Promise<string | undefined>;
  /** Builds what the suite takes and this machine does not have yet; before any suite runs, since two would build it twice. */
  readonly builds?: readonly ((say: Say) => Promise<unknown>)[];
  readonly run: (stage: Stage) => Promise<Outcome>;
}

/** All suites, quick ones of each lane first. */
export const suites: readonly Suite[] = [
  {
    name: "static",
    what: "format, lint, types, dependency rule, generated files",
    lane: "computing",
    run: async (stage) => ({ ran: true, ...(await runSteps(staticSteps, stage)), skips: [] }),
  },
  {
    name: "unit",
    what: "each part by itself, with fake clocks and fake neighbours",
    lane: "computing",
    builds: [buildNative, buildNats, buildGitOps],
    run: (stage) => runProject("unit", stage),
  },
  {
    name: "property",
    what: "the invariants of rotation over long random histories",
    lane: "computing",
    needs: () => testsIn("test/property"),
    run: (stage) => runProject("property", stage),
  },
  {
    name: "store",
    what: "the issuer's store on real databases: SQLite and PostgreSQL",
    lane: "computing",
    needs: () => postgresNeeds(),
    run: (stage) => runProject("store", stage),
  },
  {
    name: "model",
    what: "every history of a small world, searched to the end",
    lane: "computing",
    needs: () => testsIn("test/model"),
    run: (stage) => runProject("model", stage),
  },
  {
    name: "binary",
    what: "the real program, real files and independent clients",
    lane: "alone",
    needs: () => testsIn("test/binary"),
    builds: [buildNative],
    run: (stage) => runProject("binary", stage),
  },
  {
    name: "integration",
    what: "Keyturn's resources, policies and controller on a real API server",
    lane: "server",
    needs: () => clusterNeeds(),
    builds: [buildCluster],
    run: (stage) => runProject("integration", stage),
  },
  {
    name: "chart",
    what: "the chart, rendered by Helm 3 and Helm 4",
    lane: "computing",
    needs: () => helmNeeds(),
    builds: [buildHelms, buildKustomize],
    run: (stage) => runProject("chart", stage),
  },
  {
    name: "install",
    what: "the chart, installed by Helm 3 and Helm 4 on a real API server",
    lane: "server",
    needs: async () => helmNeeds() ?? (await clusterNeeds()),
    builds: [buildHelms, buildCluster],
    run: (stage) => runProject("install", stage),
  },
  {
    name: "soak",
    what: "real programs under troubles drawn from a seed, and a judge of their own",
    lane: "waiting",
    needs: () => soakNeeds(),
    builds: [buildForSoak],
    run: (stage) => runProject("soak", stage),
  },
  {
    name: "e2e",
    what: "one story with real pods, real Helm and the image that ships",
    lane: "waiting",
    needs: () => e2eNeeds(),
    builds: [buildHelms, ensureBinary],
    run: (stage) => runE2e(stage),
  },
];
