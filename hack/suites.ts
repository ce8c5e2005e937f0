import { runSteps, staticSteps } from "./gate.ts";
import { helmNeeds } from "./helm.ts";
import { postgresNeeds } from "./postgres.ts";
import { e2eNeeds, runE2e } from "./suites/e2e.ts";
import { soakNeeds } from "./suites/soak.ts";
import { runProject, testsIn } from "./suites/vitest.ts";
import { clusterNeeds } from "./testcluster/cluster.ts";
import type { Outcome } from "./verdict.ts";

export interface Suite {
  readonly name: string;
  readonly what: string;
  /** Why it can't run on this machine, or undefined if it can. Says what is missing: `no Docker engine answers`. */
  readonly needs?: () => string | undefined | Promise<string | undefined>;
  readonly run: () => Promise<Outcome>;
}

/** All suites, in the order in which they run: quick ones first. */
export const suites: readonly Suite[] = [
  {
    name: "static",
    what: "format, lint, types, dependency rule, generated files",
    run: async () => ({ ran: true, ...(await runSteps(staticSteps)), skips: [] }),
  },
  {
    name: "unit",
    what: "each part by itself, with fake clocks and fake neighbours",
    // Left alone, vitest keeps a core for itself: of two that is half
    run: () => runProject("unit", ["--maxWorkers=100%"]),
  },
  {
    name: "property",
    what: "the invariants of rotation over long random histories",
    needs: () => testsIn("test/property"),
    run: () => runProject("property"),
  },
  {
    name: "store",
    what: "the issuer's store on real databases: SQLite and PostgreSQL",
    needs: () => postgresNeeds(),
    run: () => runProject("store"),
  },
  {
    name: "model",
    what: "every history of a small world, searched to the end",
    needs: () => testsIn("test/model"),
    run: () => runProject("model"),
  },
  {
    name: "binary",
    what: "the real program, real files and independent clients",
    needs: () => testsIn("test/binary"),
    run: () => runProject("binary"),
  },
  {
    name: "integration",
    what: "Keyturn's resources, policies and controller on a real API server",
    needs: () => clusterNeeds(),
    run: () => runProject("integration"),
  },
  {
    name: "chart",
    what: "the chart, rendered by Helm 3 and Helm 4",
    needs: () => helmNeeds(),
    run: () => runProject("chart"),
  },
  {
    name: "install",
    what: "the chart, installed by Helm 3 and Helm 4 on a real API server",
    needs: async () => helmNeeds() ?? (await clusterNeeds()),
    run: () => runProject("install"),
  },
  {
    name: "soak",
    what: "real programs under troubles drawn from a seed, and a judge of their own",
    needs: () => soakNeeds(),
    run: () => runProject("soak"),
  },
  {
    name: "e2e",
    what: "one story with real pods, real Helm and the image that ships",
    needs: () => e2eNeeds(),
    run: () => runE2e(),
  },
];
