import type { Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../errors.ts";
import { fieldFlags, resourceFrom } from "../field-flags.ts";
import { commandOf, dirFlag, flag } from "../flags.ts";
import { logFlags, type LogFlags } from "../log-flags.ts";
import type { Cli, HomeFlags } from "../surroundings.ts";

type StandaloneFlags = HomeFlags & LogFlags & { readonly config?: string } & Readonly<Record<string, unknown>>;

export function standaloneCommand(cli: Cli): Command {
  return commandOf({
    name: "standalone",
    summary: "rotate the keys of a directory, without Kubernetes",
    details:
      "Runs until SIGTERM or SIGINT. The config is the very file that kubectl apply takes; a change of it takes effect\nwithout a restart. Flags stand for its common fields.",
    flags: [dirFlag(), flag("-c, --config <file>", "a JwtKeyRotation, YAML or JSON"), ...fieldFlags(), ...logFlags()],
    examples: [
      ["With a file", "keyturn standalone --dir /var/lib/keyturn --config rotation.yaml"],
      [
        "Just to try: a rotation every ten seconds",
        "keyturn standalone --dir /tmp/keys --issuer https://issuer.example --audience api --interval 10s --propagation-minimum 1s --max-ttl 4s --clock-skew 1s",
      ],
    ],
  }).action(async (flags: StandaloneFlags) => {
    const { dir, config } = flags;
    if (dir === undefined) throw new UsageError("Cannot run: must have --dir");
    const source = config === undefined ? { resource: resourceFrom(flags) } : { path: config };
    const { runStandalone } = await import("../../standalone/run.ts");
    const { newLog } = await import("../log.ts");
    const { io } = cli;
    await runStandalone({
      dir,
      config: source,
      clock: { nowMs: () => io.nowMs(), monotonicMs: () => cli.monotonicMs() },
      log: newLog(flags, { colour: io.err.colour, live: cli.logIsLive }),
      signal: io.interrupted,
    });
    cli.ended(exitCodes.done);
  });
}
