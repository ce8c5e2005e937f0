import { resolve } from "node:path";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Address } from "../../http/address.ts";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../report-error.ts";
import { fieldFlags, resourceFrom } from "../field-flags.ts";
import { commandOf, dirFlag, flag } from "../flags.ts";
import { logFlags } from "../log-flags.ts";
import type { Cli, HomeFlags } from "../surroundings.ts";
import type { GatewayOptions } from "../../gateway/options.ts";
import type { DirectoryPlan } from "../../holder/assemble.ts";
import type { IssuerOptions } from "../../issuer/issuer-options.ts";
import type { StandaloneOptions } from "../../standalone/run-standalone.ts";
import { type FaceFlags, faceFlags, runFaces } from "../faces.ts";
import { type IssuingFlags, issuingFlags, runIssuing } from "../issuing.ts";
import { type ListenAddress, address, listenAddress, tcpAddress } from "../listen.ts";
import { signaturesFlag } from "../signatures-flag.ts";
import type { ProgressParts, StandaloneProgress } from "../standalone-progress.ts";
import { storeInDirectory } from "../store-flag.ts";

interface IssuerHereFlags extends IssuingFlags {
  readonly tokenIssuer?: string;
  readonly tokenIssuerListen?: Address;
  readonly tokenIssuerAdminListen?: Address;
}

type StandaloneFlags = HomeFlags &
  FaceFlags &
  IssuerHereFlags & {
    readonly config?: string;
    readonly signerGroup?: string;
    readonly publicGroup?: string;
    readonly metricsListen?: ListenAddress;
    readonly gateway?: boolean;
  } & Readonly<Record<string, unknown>>;

const owner = "standalone";

export function standaloneCommand(cli: Cli): Command {
  return commandOf({
    name: "standalone",
    summary: "rotate the keys of a directory, without Kubernetes",
    details:
      "Runs until SIGTERM or SIGINT. The config is the very file that kubectl apply takes; a change of it takes effect\nwithout a restart, and on SIGHUP at once. Flags stand for its common fields; without a file to read SIGHUP ends it as SIGTERM does.",
    flags: [
      dirFlag(),
      flag("-c, --config <file>", "a JwtKeyRotation, YAML or JSON"),
      ...fieldFlags(),
      ...directoryFlags(),
      flag("--gateway", "run a gateway on the directory as well, in this process; the flags below are its own", {
        owner,
      }),
      ...faceFlags(),
      ...issuerHereFlags(),
      signaturesFlag(),
      ...logFlags(),
    ],
    examples: [
      ["With a file", "keyturn standalone --dir /var/lib/keyturn --config rotation.yaml"],
      [
        "Just to try: a rotation every ten seconds",
        "keyturn standalone --dir /tmp/keys --issuer https://issuer.example --audience api --interval 10s --propagation-minimum 1s --max-ttl 4s --clock-skew 1s",
      ],
    ],
  }).action((flags: StandaloneFlags, command: Command) => runCommand(cli, flags, command));
}

const directoryFlags = () => [
  flag("--signer-group <group>", "who may read signer/: the members of this Unix group, by its name or number", {
    owner,
    otherwise: "the user who runs this, alone",
  }),
  flag("--public-group <group>", "who may read public/, the same", { owner, otherwise: "everybody on the machine" }),
  flag("--metrics-listen <address>", "serves /livez, /readyz and /metrics of the rotation", {
    owner,
    parse: listenAddress,
    otherwise: "off: nowhere",
  }),
];

const issuerHereFlags = () => [
  flag(
    "--token-issuer <file>",
    "a TokenIssuer: run an issuer on the directory as well, in this process; the flags below are its own",
    { owner },
  ),
  flag("--token-issuer-listen <address>", "its API", { owner, parse: address, otherwise: ":8090" }),
  flag("--token-issuer-admin-listen <address>", "its health and metrics", {
    owner,
    parse: address,
    otherwise: ":9091",
  }),
  ...issuingFlags("grants.db in the directory, of SQLite"),
];

async function runCommand(cli: Cli, flags: StandaloneFlags, command: Command): Promise<void> {
  const { dir, config } = flags;
  if (dir === undefined) throw new UsageError("Cannot run: must have --dir");
  const source = config === undefined ? { resource: resourceFrom(flags) } : { path: config };
  const [{ RevokedSet }, { newLog }, { Bell }, { systemClock }, { serviceManagerOf }] = await Promise.all([
    import("../../jwt/revoked-set.ts"),
    import("../process-log.ts"),
    import("../../time/bell.ts"),
    import("../../time/clock.ts"),
    import("../service-manager.ts"),
  ]);
  const { io } = cli;
  const ended = new AbortController();
  const signal = AbortSignal.any([io.interrupted, ended.signal]);
  const bell = new Bell();
  const rereads = [() => bell.ring()];
  const log = await newLog(flags, { colour: io.err.colour, live: cli.logIsLive });
  if (config !== undefined || flags.tokenIssuer !== undefined) {
    cli.rereadOn(() => {
      log.info({}, "SIGHUP: reads its files again");
      for (const reread of rereads) reread();
    });
  }
  const manager = serviceManagerOf({ env: cli.env, pid: process.pid, clock: systemClock, log });
  signal.addEventListener("abort", () => manager?.stopping());
  const { metricsListen = "off", gateway = false, tokenIssuer } = flags;
  const listens = metricsListen !== "off" || gateway || tokenIssuer !== undefined;
  const progress = await newProgress({ version: cli.version, dir: resolve(dir), listens, log, manager });
  const all = [rotationOn(cli, flags, { dir, config: source, bell, log, signal, progress })];
  // Of the issuer, for the gateway beside it; an issuer alone keeps less
  const isShared = gateway && tokenIssuer !== undefined;
  const common = { dir, signal, remarks: progress.remarks, ...(isShared && { revoked: new RevokedSet() }) };
  if (gateway) all.push(gatewayOn(cli, flags, common));
  if (tokenIssuer !== undefined) {
    const rereadOn = (reread: () => void): void => void rereads.push(reread);
    all.push(issuerOn(cli, { flags, command }, { config: tokenIssuer, ...common, rereadOn }));
  }
  // Where one fails, the other ends in good order before that is told
  const outcomes = await Promise.allSettled(all.map((one) => one.finally(() => ended.abort())));
  await manager?.heard();
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  cli.ended(exitCodes.done);
}

async function newProgress(parts: ProgressParts): Promise<StandaloneProgress> {
  const { StandaloneProgress } = await import("../standalone-progress.ts");
  return new StandaloneProgress(parts);
}

interface RotationHere extends Pick<StandaloneOptions, "dir" | "config" | "bell" | "signal"> {
  readonly log: Logger;
  readonly progress: StandaloneProgress;
}

async function rotationOn(cli: Cli, flags: StandaloneFlags, { progress, log, ...rest }: RotationHere): Promise<void> {
  const { runStandalone } = await import("../../standalone/run-standalone.ts");
  const { signerGroup, publicGroup, metricsListen = "off" } = flags;
  await runStandalone({
    ...rest,
    log,
    groups: {
      ...(signerGroup !== undefined && { signer: signerGroup }),
      ...(publicGroup !== undefined && { public: publicGroup }),
    },
    ...(metricsListen !== "off" && { admin: metricsListen }),
    onListening: (port) => log.info({ port }, "listens for probes and scrapes"),
    clock: { nowMs: () => cli.io.nowMs(), monotonicMs: () => cli.monotonicMs() },
    on: (report) => progress.pass(report),
  });
}

const gatewayOn = (
  cli: Cli,
  flags: StandaloneFlags,
  { dir, ...rest }: { readonly dir: string } & Pick<GatewayOptions, "revoked" | "signal" | "remarks">,
): Promise<void> =>
  runFaces(cli, flags, {
    sources: sourcesIn(cli, dir),
    ...rest,
  });

const issuerOn = (
  cli: Cli,
  given: { readonly flags: IssuerHereFlags; readonly command: Command },
  {
    dir,
    ...rest
  }: { readonly dir: string } & Pick<IssuerOptions, "config" | "revoked" | "signal" | "remarks" | "rereadOn">,
): Promise<void> => {
  const { tokenIssuerListen: listen, tokenIssuerAdminListen: adminListen } = given.flags;
  return runIssuing(cli, given, {
    sources: sourcesIn(cli, dir),
    listen: listen ?? { kind: "tcp", port: 8090 },
    adminListen: tcpAddress(adminListen ?? { kind: "tcp", port: 9091 }, "--token-issuer-admin-listen"),
    defaultStore: storeInDirectory(dir),
    userAgent: `keyturn-standalone/${cli.version}`,
    ...rest,
  });
};

const sourcesIn = (cli: Cli, dir: string): DirectoryPlan => ({
  kind: "directory",
  ring: "signer",
  acks: "required",
  dir,
  instance: cli.io.randomId(),
});
