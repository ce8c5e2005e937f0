import { setFlagsFromString } from "node:v8";
import type { Command, Option } from "commander";
import type { Logger } from "pino";
import { systemClock } from "../../time/clock.ts";
import { describeStep } from "../../ring/describe.ts";
import type { ControllerLog, ControllerOptions } from "../../controller/run-controller.ts";
import { exitCodes } from "../../tools/exit.ts";
import { type ClusterAccess, clusterAccess, clusterFlags, type ClusterFlags } from "../cluster-access.ts";
import { UsageError } from "../report-error.ts";
import { commandOf, flag } from "../flags.ts";
import { listenAddress, type ListenAddress } from "../listen.ts";
import { logFlags, type LogFlags } from "../log-flags.ts";
import type { Cli } from "../surroundings.ts";
import { quoted } from "../../errors/quote.ts";
import { rotationName } from "../../ring/ring.ts";

interface ControllerFlags extends ClusterFlags, LogFlags {
  /** The environment gives one text. */
  readonly namespace?: string | readonly string[];
  readonly leaderElect?: boolean;
  readonly leaseNamespace?: string;
  readonly leaseName?: string;
  readonly adminListen?: ListenAddress;
  readonly workers?: number;
  readonly kubeApiQps?: number;
  readonly kubeApiBurst?: number;
}

const controllerFlags = (): readonly Option[] => [
  flag("-n, --namespace <name...>", "look after this namespace alone; may be given several times", {
    owner: "controller",
    otherwise: "all namespaces",
  }),
  flag("--leader-elect", "act only while it holds the Lease", { owner: "controller" }),
  flag("--lease-namespace <name>", "where the Lease is", { owner: "controller", otherwise: "the pod's own" }),
  flag("--lease-name <name>", "what it is called", { owner: "controller", otherwise: "keyturn-controller" }),
  flag("--admin-listen <address>", "serves /livez, /readyz and /metrics", {
    owner: "controller",
    parse: listenAddress,
    otherwise: ":9090; off: nowhere",
  }),
  flag("--workers <number>", "rotations that are worked on at once, beside one that has a revocation", {
    owner: "controller",
    parse: workers,
    otherwise: "10",
  }),
  flag(
    "--kube-api-qps <number>",
    "requests to the API server a second, in the long run; those for the Lease are free",
    {
      owner: "controller",
      parse: rate,
      otherwise: "any number: the server's own priority and fairness counts",
    },
  ),
  flag("--kube-api-burst <number>", "so many at once after a rest, where --kube-api-qps is given", {
    owner: "controller",
    parse: rate,
    otherwise: "twice --kube-api-qps",
  }),
  ...clusterFlags(),
  ...logFlags(),
];

export function controllerCommand(cli: Cli): Command {
  return commandOf({
    name: "controller",
    summary: "look after the JwtKeyRotations of a cluster",
    details:
      "Runs until SIGTERM, SIGINT or SIGHUP. Makes and rotates the keys of every JwtKeyRotation: in the Secrets NAME-ring and NAME,\nand in the ConfigMap NAME-public. Several may run with --leader-elect: one of them acts.",
    flags: controllerFlags(),
    examples: [
      ["In a cluster, one of two replicas acts", "keyturn controller --leader-elect"],
      ["From a desk, for one namespace", "keyturn controller --namespace shop --context dev --admin-listen off"],
    ],
  }).action(async (flags: ControllerFlags) => {
    // The heap may grow by 40 % of what is in use before its garbage is collected; by itself V8 lets it grow to two to four times
    setFlagsFromString("--heap-growing-percent=40");
    const { newLog } = await import("../process-log.ts");
    const { runController } = await import("../../controller/run-controller.ts");
    const namespaces = namespacesIn(flags.namespace);
    const log = await newLog(flags, { colour: cli.io.err.colour, live: cli.logIsLive });
    const access = await clusterAccess(flags, cli.env);
    if (flags.adminListen === "off") {
      log.info({}, "listens nowhere: no probes and no metrics, as --admin-listen is off");
    }
    await runController({ ...optionsOf(flags, { cli, log, access }), namespaces }, cli.io.interrupted);
    log.info({}, "stopped");
    cli.ended(exitCodes.done);
  });
}

function optionsOf(
  flags: ControllerFlags,
  { cli, log, access }: { readonly cli: Cli; readonly log: Logger; readonly access: ClusterAccess },
): Omit<ControllerOptions, "namespaces"> {
  const { adminListen = { port: 9090 }, workers: count, leaseName = "keyturn-controller" } = flags;
  const { leaseNamespace = access.namespace, kubeApiQps: qps } = flags;
  return {
    endpoint: access.endpoint,
    ...(flags.leaderElect === true && { lease: { namespace: leaseNamespace, name: leaseName } }),
    identity: `${cli.hostname}_${cli.io.randomId()}`,
    ...(adminListen !== "off" && { admin: adminListen }),
    ...(count !== undefined && { workers: count }),
    ...(qps !== undefined && { rate: { perSecond: qps, burst: flags.kubeApiBurst ?? 2 * qps } }),
    clock: systemClock,
    chance: () => cli.chance(),
    unique: () => cli.io.randomId(),
    userAgent: `keyturn/${cli.version}`,
    log: controllerLog(log),
    onListening: (port) => log.info({ port }, "listens for probes and scrapes"),
  };
}

/** As they were named: each by a flag of its own, or with commas between. */
function namespacesIn(named: string | readonly string[] = []): readonly string[] {
  const names = [named].flat().flatMap((text) => text.split(",").map((name) => name.trim()));
  const wrong = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong === undefined) return [...new Set(names)];
  throw new UsageError(`Cannot use --namespace ${quoted(wrong)}: must be the name of a namespace (a-z, 0-9 and -)`);
}

function workers(text: string, name: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 64) return count;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a whole number from 1 to 64`);
}

function rate(text: string, name: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a whole number from 1 to 100000`);
}

function controllerLog(log: Logger): ControllerLog {
  return {
    deed: (rotation, { step }, generation) => {
      const fields = { rotation: rotationName(rotation), step: step.type, kid: step.kid, generation };
      log.info(fields, describeStep(step));
    },
    failure: (rotation, error, retryAfterMs) => {
      log.warn({ rotation, retryAfterMs: Math.round(retryAfterMs) }, `a pass failed: ${messageOf(error)}`);
    },
    problem: (part, error) => log.warn({ part }, messageOf(error)),
    info: (message) => log.info({}, message),
  };
}

/** Of a mistake in the program the stack, too. */
const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? error.message : (error.stack ?? error.message);
};
