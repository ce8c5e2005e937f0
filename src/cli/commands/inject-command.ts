import { Argument, type Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { line } from "../../tools/text/screen.ts";
import type { IssuerToken } from "../../inject/issuer-token.ts";
import { UsageError } from "../report-error.ts";
import { type RevocationFlags, revocationsOf } from "../revocation-flags.ts";
import { commandOf, flag } from "../flags.ts";
import type { Cli } from "../surroundings.ts";
import type { GatewayFlags } from "./gateway-command.ts";
import { quoted } from "../../errors/quote.ts";

const owner = "inject";

interface InjectFlags {
  readonly filename: string;
  readonly rotation: string;
  readonly secretName?: string;
  readonly namespace?: string;
  readonly public?: boolean;
  readonly image?: string;
  readonly port?: number;
  readonly adminPort?: number;
  readonly revocationsAudience?: string;
  readonly revocationsCaConfigMap?: string;
}

/** Of ServiceAccount tokens for an issuer, unless another one is named. */
const defaultAudience = "keyturn-issuer";

const flags = () => [
  flag("-f, --filename <file>", "the manifest; - reads it from standard input", { owner }).makeOptionMandatory(),
  flag("--rotation <name>", "the JwtKeyRotation", { owner, parse: name }).makeOptionMandatory(),
  flag("--secret-name <name>", "its spec.secretName", { owner, parse: name, otherwise: "the rotation's name" }),
  flag("-n, --namespace <name>", "of what is added, where the manifest names none", { owner, otherwise: "default" }),
  flag("--public", "read the public ConfigMap: verify, serve JWKS, never mint", { owner }),
  flag("--image <image>", "of the sidecar", { owner, otherwise: "ghcr.io/keyturn/keyturn of this version" }),
  flag("--port <number>", "forward-auth and JWKS", { owner, parse: port, otherwise: "8080" }),
  flag("--admin-port <number>", "probes and metrics", { owner, parse: port, otherwise: "9090" }),
  flag("--revocations-audience <text>", "with --revocations after --: whom the token for the issuer is for", {
    owner,
    otherwise: defaultAudience,
  }),
  flag("--revocations-ca-config-map <name>", "and the ConfigMap whose ca.crt signed the issuer's certificate", {
    owner,
    parse: name,
    otherwise: "whom Node.js trusts",
  }),
];

export function injectCommand(cli: Cli): Command {
  return commandOf({
    name: "inject",
    summary: "put the gateway beside the application of a Deployment",
    details:
      "Prints the manifest with the gateway as a native sidecar in each of its workloads, the label that has it waited for, and the rights\nof its service account. Injecting again brings up to date what was injected. Nothing is applied.",
    arguments: [new Argument("[flags...]", "after --: flags of keyturn gateway")],
    flags: flags(),
    examples: [
      [
        "Beside an application that mints, too",
        "keyturn inject -f deploy.yaml --rotation orders -- --mint-listen=127.0.0.1:8081 | kubectl apply -f -",
      ],
      ["One that verifies alone", "keyturn inject -f deploy.yaml --rotation orders --public --port 8089"],
      [
        "One that hears of revoked tokens",
        "keyturn inject -f deploy.yaml --rotation orders -- --revocations=https://issuer.example/v1/revocations",
      ],
    ],
  }).action(async (gatewayFlags: readonly string[], given: InjectFlags) => {
    const { inject } = await import("../../inject/inject.ts");
    const { filename, rotation, secretName, namespace, image = `ghcr.io/keyturn/keyturn:${cli.version}` } = given;
    const { port: front = 8080, adminPort = 9090 } = given;
    const { acks, ports, revocations } = await saidBy(cli, gatewayFlags);
    const issuerToken = issuerTokenOf(given, revocations);
    if (new Set([front, adminPort, ...Object.values(ports)]).size < 2 + Object.keys(ports).length) {
      throw new UsageError("Cannot inject: the ports of the sidecar must differ");
    }
    const text = filename === "-" ? await cli.readInput() : await cli.readFile(filename);
    const { manifest, notes } = inject(text, {
      ...(namespace !== undefined && { namespace }),
      gateway: {
        ...{ rotation, image, acks, flags: gatewayFlags },
        ports: { "--port": front, "--admin-port": adminPort, ...ports },
        ...(secretName !== undefined && { secretName }),
        ...(given.public === true && { isPublic: true }),
        ...(issuerToken !== undefined && { issuerToken }),
      },
    });
    for (const note of notes) line(cli.io.err, `keyturn: ${note}`);
    cli.io.out.write(manifest);
    cli.ended(exitCodes.done);
  });
}

/** Flags of the gateway that inject sets itself. */
const own = ["rotation", "object", "mount", "floorDir", "listen", "adminListen", "public", "dir", "podName", "podUid"];

/** What the flags say that inject must know. @throws UsageError for what is no flag of the gateway, or is inject's own */
async function saidBy(cli: Cli, flags: readonly string[]) {
  const { gatewayCommand } = await import("./gateway-command.ts");
  const command = gatewayCommand(cli).exitOverride();
  const { operands, unknown } = command.parseOptions([...flags]);
  const [wrong] = [...operands, ...unknown];
  if (wrong !== undefined) throw new UsageError(`Cannot use ${quoted(wrong)}: must be a flag of keyturn gateway`);
  const { acks = "required", mintListen, grpcListen, ...others } = command.opts<GatewayFlags>();
  const [taken] = Object.keys(others).filter((name) => own.includes(name));
  if (taken !== undefined) {
    const name = command.options.find((option) => option.attributeName() === taken)?.long ?? taken;
    throw new UsageError(`Cannot use ${name} for the gateway: inject must set it itself`);
  }
  const ports = {
    ...(mintListen?.kind === "tcp" && { "--mint-listen": mintListen.port }),
    ...(grpcListen?.kind === "tcp" && { "--grpc-listen": grpcListen.port }),
  };
  return { acks, ports, revocations: others };
}

/** Undefined: no issuer is asked, or the gateway's flags say who asks. @throws UsageError for what the gateway would refuse */
function issuerTokenOf(given: InjectFlags, said: RevocationFlags): IssuerToken | undefined {
  const { revocationsAudience: audience = defaultAudience, revocationsCaConfigMap: caConfigMap } = given;
  const saysWho = [said.revocationsTokenFile, said.revocationsClient, said.revocationsSecretFile];
  const isOurs = said.revocations !== undefined && saysWho.every((text) => text === undefined);
  revocationsOf({ ...said, ...(isOurs && { revocationsTokenFile: "token" }) });
  if (caConfigMap !== undefined && said.revocationsCaFile !== undefined) {
    throw new UsageError("Cannot inject: must have --revocations-ca-config-map or --revocations-ca-file, has both");
  }
  if (isOurs) return { audience, ...(caConfigMap !== undefined && { caConfigMap }) };
  if (given.revocationsAudience === undefined && caConfigMap === undefined) return undefined;
  const name = caConfigMap === undefined ? "--revocations-audience" : "--revocations-ca-config-map";
  throw new UsageError(`Cannot use ${name}: must have --revocations after --, and there no token file or client`);
}

/** Names of Secrets, and values of labels. */
function name(text: string, flagName: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new UsageError(`Cannot use ${flagName} ${quoted(text)}: must be a name (a-z, 0-9, - and ., 63 characters)`);
}

function port(text: string, name: string): number {
  const number = Number(text);
  // The image's user may bind no port below
  if (Number.isInteger(number) && number >= 1024 && number <= 65_535) return number;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a port from 1024 to 65535`);
}
