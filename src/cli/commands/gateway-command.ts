import type { Command } from "commander";
import type { SourcesPlan } from "../../holder/assemble.ts";
import type { Address } from "../../http/address.ts";
import type { OwnedHeader } from "../../gateway/faces/owned-headers.ts";
import type { GatewayOptions } from "../../gateway/options.ts";
import { exitCodes } from "../../tools/exit.ts";
import { UsageError } from "../report-error.ts";
import { commandOf, dirFlag, durationFlag, flag } from "../flags.ts";
import { hostAndPort } from "../listen.ts";
import { logFlags, type LogFlags } from "../log-flags.ts";
import type { Cli, HomeFlags } from "../surroundings.ts";
import { instanceName } from "../../ring/ack-document.ts";
import { quoted } from "../../errors/quote.ts";

const owner = "gateway";

/** What a gateway shows, wherever its ring comes from. */
export interface FaceFlags extends LogFlags {
  readonly listen?: Address;
  readonly grpcListen?: Address;
  readonly adminListen?: Address;
  readonly mintListen?: Address;
  readonly claimHeaders?: readonly OwnedHeader[];
  readonly requireClaims?: readonly string[];
  readonly requireScopes?: readonly string[];
  readonly requireType?: Required<GatewayOptions["required"]>["type"];
  readonly jwksUri?: string;
  readonly drainTimeout?: number;
}

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

export const faceFlags = () => [
  flag("--listen <address>", "forward-auth, JWKS, discovery", { owner, parse: address, otherwise: ":8080" }),
  flag("--grpc-listen <address>", "Envoy's ext_authz over gRPC, and grpc.health.v1", {
    owner,
    parse: address,
    otherwise: "no gRPC",
  }),
  flag("--admin-listen <address>", "health and metrics", { owner, parse: address, otherwise: ":9090" }),
  flag("--mint-listen <address>", "POST /token; unix:<path>, or a loopback address", {
    owner,
    parse: address,
    otherwise: "nothing is minted",
  }),
  flag("--claim-headers <list>", "claim=Header, with commas between: what upstreams are told", {
    owner,
    parse: claimHeaders,
    otherwise: "sub=X-Auth-Subject",
  }),
  flag("--require-claims <list>", "claims that every token must have", { owner, parse: names }),
  flag("--require-scopes <list>", "scopes that every token must have, else 403", { owner, parse: names }),
  flag("--require-type <type>", "the one typ that is accepted", { owner, choices: ["JWT", "at+jwt"] }),
  flag("--jwks-uri <url>", "jwks_uri of the discovery document", {
    owner,
    otherwise: "<issuer>/.well-known/jwks.json",
  }),
  flag("--drain-timeout <duration>", "how long requests may take after SIGTERM", {
    owner,
    parse: durationFlag,
    otherwise: "20s",
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

/** Runs a gateway with these faces until the signal. */
export async function runFaces(
  cli: Cli,
  flags: FaceFlags,
  { sources, signal, remarks }: Pick<GatewayOptions, "sources" | "signal" | "remarks">,
): Promise<void> {
  const [{ runGateway }, { defaultOwnedHeaders }, { systemClock }, { newLog }, { signaturesHere }] = await Promise.all([
    import("../../gateway/run-gateway.ts"),
    import("../../gateway/faces/owned-headers.ts"),
    import("../../time/clock.ts"),
    import("../process-log.ts"),
    import("../native-signatures.ts"),
  ]);
  const { io } = cli;
  const signatures = signaturesHere();
  const { grpcListen, mintListen, jwksUri, requireClaims, requireScopes, requireType } = flags;
  await runGateway({
    sources,
    listen: flags.listen ?? { kind: "tcp", port: 8080 },
    adminListen: tcp(flags.adminListen ?? { kind: "tcp", port: 9090 }),
    ...(grpcListen && { grpcListen }),
    ...(mintListen && { mintListen }),
    required: {
      ...(requireClaims && { claims: requireClaims }),
      ...(requireScopes && { scopes: requireScopes }),
      ...(requireType && { type: requireType }),
    },
    owned: flags.claimHeaders ?? defaultOwnedHeaders,
    ...(jwksUri !== undefined && { jwksUri }),
    drainMs: flags.drainTimeout ?? 20_000,
    clock: systemClock,
    chance: Math.random,
    newId: () => io.randomId(),
    ...(signatures && { signatures }),
    ...(remarks && { remarks }),
    log: await newLog(flags, { colour: io.err.colour, live: cli.logIsLive }),
    signal,
  });
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

function tcp(given: Address): Address & { readonly kind: "tcp" } {
  if (given.kind === "tcp") return given;
  throw new UsageError("Cannot use --admin-listen: must be a TCP address");
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/keyturn/mint.sock`. */
function address(text: string, name: string): Address {
  if (text.startsWith("unix:/")) return { kind: "unix", path: text.slice("unix:".length) };
  const found = hostAndPort(text);
  if (found) return { kind: "tcp", ...found };
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must look like :8080, 127.0.0.1:8080 or unix:/path`);
}

function instance(text: string, name: string): string {
  if (instanceName.test(text)) return text;
  throw new UsageError(
    `Cannot use ${name} ${quoted(text)}: must be 1 to 201 of A-Z, a-z, 0-9, ., _ and -, a letter or digit first`,
  );
}

const names = (text: string): readonly string[] =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

function claimHeaders(text: string, name: string): readonly OwnedHeader[] {
  return names(text).map((one) => {
    const [, claim, header] = /^(.+)=([^=]+)$/.exec(one) ?? [];
    if (claim !== undefined && header !== undefined) return { claim, header };
    throw new UsageError(`Cannot use ${name} ${quoted(one)}: must look like sub=X-Auth-Subject`);
  });
}
