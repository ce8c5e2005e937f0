import type { Command } from "commander";
import type { SourcesPlan } from "../../holder/assemble.ts";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../report-error.ts";
import { type FaceFlags, faceFlags, runFaces } from "../faces.ts";
import { commandOf, dirFlag, flag } from "../flags.ts";
import { logFlags } from "../log-flags.ts";
import type { Cli, HomeFlags } from "../surroundings.ts";
import { instanceName } from "../../ring/ack-document.ts";
import { quoted } from "../../errors/quote.ts";

const owner = "gateway";

export interface GatewayFlags extends HomeFlags, FaceFlags {
  readonly mount?: string;
  readonly object?: string;
  readonly namespace?: string;
  readonly rotation?: string;
  readonly public?: boolean;
  readonly acks?: "required" | "off";
  readonly podName?: string;
  readonly podUid?: string;
  readonly floorDir?: string;
  readonly instance?: string;
}

const sourceFlags = () => [
  dirFlag(),
  flag("--mount <directory>", "where the kubelet shows the signer Secret or the public ConfigMap"),
  flag("--object <name>", "that Secret or ConfigMap, to be watched on the API server"),
  flag("--namespace <name>", "of the object and of this pod", { otherwise: "the pod's" }),
  flag("--rotation <name>", "the JwtKeyRotation, for acknowledgements", { owner }),
  flag("--public", "read the public ConfigMap: verify, serve JWKS, never mint", { owner }),
  flag("--acks <mode>", "whether the controller waits for this gateway", {
    owner,
    choices: ["required", "off"],
    otherwise: "required",
  }),
  flag("--pod-name <name>", "this pod, by the downward API"),
  flag("--pod-uid <uid>", "its metadata.uid, by the downward API"),
  flag("--floor-dir <directory>", "an emptyDir: what was served before a restart", { owner }),
  flag("--instance <name>", "with --dir: names this gateway among others there", {
    owner,
    parse: instance,
    otherwise: "one that is made up",
  }),
];

export function gatewayCommand(cli: Cli): Command {
  return commandOf({
    name: "gateway",
    summary: "verify, mint and serve JWKS beside an application",
    details:
      "A sidecar that holds the key ring in memory, takes a new one over within milliseconds and says so.\nRuns until SIGTERM, SIGINT or SIGHUP: it follows everything that it reads.",
    flags: [...sourceFlags(), ...faceFlags(), ...logFlags()],
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
  await runFaces(cli, flags, { sources: await sourcesOf(cli, flags), signal: cli.io.interrupted });
  cli.ended(exitCodes.done);
}

async function sourcesOf(cli: Cli, flags: GatewayFlags): Promise<SourcesPlan> {
  const { dir, mount, object, rotation, acks = "required", floorDir } = flags;
  const common = {
    ring: flags.public === true ? ("public" as const) : ("signer" as const),
    acks,
    ...(rotation !== undefined && { rotation }),
  };
  if (dir !== undefined) {
    if (mount !== undefined || object !== undefined) {
      throw new UsageError("Cannot run: --dir is the whole source, must be without --mount and --object");
    }
    return { kind: "directory", ...common, dir, instance: flags.instance ?? cli.io.randomId() };
  }
  const { podName: name, podUid: uid } = flags;
  const api = object !== undefined || acks === "required" ? await apiOf(cli, flags) : undefined;
  return {
    kind: "cluster",
    ...common,
    ...(mount !== undefined && { mount }),
    ...(object !== undefined && { object }),
    ...(floorDir !== undefined && { floorDir }),
    ...(name !== undefined && uid !== undefined && { pod: { name, uid } }),
    ...(api && { api }),
  };
}

async function apiOf(cli: Cli, flags: GatewayFlags) {
  const [{ inClusterEndpoint, podNamespace }, { systemClock }] = await Promise.all([
    import("../../kube/in-cluster.ts"),
    import("../../time/clock.ts"),
  ]);
  const options = { env: process.env, readFile: (path: string) => cli.readFile(path), clock: systemClock };
  const endpoint = inClusterEndpoint(options);
  const namespace = flags.namespace ?? (await podNamespace(options));
  return { endpoint, namespace, userAgent: `keyturn-gateway/${cli.version}` };
}

function instance(text: string, name: string): string {
  if (instanceName.test(text)) return text;
  throw new UsageError(
    `Cannot use ${name} ${quoted(text)}: must be 1 to 201 of A-Z, a-z, 0-9, ., _ and -, a letter or digit first`,
  );
}
