import type { Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { type FaceFlags, faceFlags, runFaces } from "../faces.ts";
import { commandOf, flag } from "../flags.ts";
import { logFlags } from "../log-flags.ts";
import { signaturesFlag } from "../signatures-flag.ts";
import { type SourceFlags, sourceFlags, sourcesOf } from "../source-flags.ts";
import type { Cli } from "../surroundings.ts";

const owner = "gateway";

export interface GatewayFlags extends SourceFlags, FaceFlags {
  readonly public?: boolean;
}

export function gatewayCommand(cli: Cli): Command {
  return commandOf({
    name: "gateway",
    summary: "verify, mint and serve JWKS beside an application",
    details:
      "A sidecar that holds the key ring in memory, takes a new one over within milliseconds and says so.\nRuns until SIGTERM, SIGINT or SIGHUP: it follows everything that it reads.",
    flags: [
      ...sourceFlags(owner),
      flag("--public", "read the public ConfigMap: verify, serve JWKS, never mint", { owner }),
      ...faceFlags(),
      signaturesFlag(),
      ...logFlags(),
    ],
    examples: [
      ["On the directory of keyturn standalone", "keyturn gateway --dir /var/lib/keyturn --mint-listen 127.0.0.1:8081"],
      [
        "In a pod: the Secret mounted and watched",
        "keyturn gateway --rotation gateway --mount /run/keyturn/keys --object gateway-jwt-keys --floor-dir /run/keyturn/floor",
      ],
      ["Public keys alone, from a mount", "keyturn gateway --public --acks off --mount /run/keyturn/public"],
    ],
  }).action((flags: GatewayFlags) => runCommand(cli, flags));
}

async function runCommand(cli: Cli, flags: GatewayFlags): Promise<void> {
  const ring = flags.public === true ? "public" : "signer";
  const sources = await sourcesOf(cli, flags, { ring, userAgent: `keyturn-gateway/${cli.version}` });
  await runFaces(cli, flags, { sources, signal: cli.io.interrupted });
  cli.ended(exitCodes.done);
}
