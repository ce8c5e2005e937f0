import type { Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../report-error.ts";
import { fieldFlags, resourceFrom } from "../field-flags.ts";
import { commandOf, dirFlag, flag } from "../flags.ts";
import { logFlags } from "../log-flags.ts";
import type { Cli, HomeFlags } from "../surroundings.ts";
import type { GatewayOptions } from "../../gateway/options.ts";
import { type FaceFlags, faceFlags, runFaces } from "../faces.ts";

type StandaloneFlags = HomeFlags &
  FaceFlags & { readonly config?: string; readonly gateway?: boolean } & Readonly<Record<string, unknown>>;

export function standaloneCommand(cli: Cli): Command {
  return commandOf({
    name: "standalone",
    summary: "rotate the keys of a directory, without Kubernetes",
    details:
      "Runs until SIGTERM or SIGINT. The config is the very file that kubectl apply takes; a change of it takes effect\nwithout a restart, and on SIGHUP at once. Flags stand for its common fields; without a config SIGHUP ends it as SIGTERM does.",
    flags: [
      dirFlag(),
      flag("-c, --config <file>", "a JwtKeyRotation, YAML or JSON"),
      ...fieldFlags(),
      flag("--gateway", "run a gateway on the directory as well, in this process; the flags below are its own", {
        owner: "standalone",
      }),
      ...faceFlags(),
      ...logFlags(),
    ],
    examples: [
      ["With a file", "keyturn standalone --dir /var/lib/keyturn --config rotation.yaml"],
      [
        "Just to try: a rotation every ten seconds",
        "keyturn standalone --dir /tmp/keys --issuer https://issuer.example --audience api --interval 10s --propagation-minimum 1s --max-ttl 4s --clock-skew 1s",
      ],
    ],
  }).action((flags: StandaloneFlags) => runCommand(cli, flags));
}

async function runCommand(cli: Cli, flags: StandaloneFlags): Promise<void> {
  const { dir, config } = flags;
  if (dir === undefined) throw new UsageError("Cannot run: must have --dir");
  const source = config === undefined ? { resource: resourceFrom(flags) } : { path: config };
  const [{ runStandalone }, { newLog }, { Bell }] = await Promise.all([
    import("../../standalone/run-standalone.ts"),
    import("../process-log.ts"),
    import("../../time/bell.ts"),
  ]);
  const { io } = cli;
  const ended = new AbortController();
  const signal = AbortSignal.any([io.interrupted, ended.signal]);
  let refused: string | undefined;
  const remarks = (): readonly string[] => (refused === undefined ? [] : [`settings: ${refused}`]);
  const bell = new Bell();
  const log = await newLog(flags, { colour: io.err.colour, live: cli.logIsLive });
  if (config !== undefined) {
    cli.rereadOn(() => {
      log.info({}, "SIGHUP: reads its files again");
      bell.ring();
    });
  }
  const rotation = runStandalone({
    dir,
    config: source,
    bell,
    clock: { nowMs: () => io.nowMs(), monotonicMs: () => cli.monotonicMs() },
    log,
    signal,
    on: ({ seen }) => (refused = seen.observation.refused?.message),
  });
  const both = flags.gateway === true ? [rotation, gatewayOn(cli, flags, { dir, signal, remarks })] : [rotation];
  // Where one fails, the other ends in good order before that is told
  const outcomes = await Promise.allSettled(both.map((one) => one.finally(() => ended.abort())));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  cli.ended(exitCodes.done);
}

const gatewayOn = (
  cli: Cli,
  flags: StandaloneFlags,
  { dir, ...rest }: { readonly dir: string } & Pick<GatewayOptions, "signal" | "remarks">,
): Promise<void> =>
  runFaces(cli, flags, {
    sources: { kind: "directory", ring: "signer", acks: "required", dir, instance: cli.io.randomId() },
    ...rest,
  });
