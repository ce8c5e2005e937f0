import type { GatewayFlags } from "./commands/gateway-command.ts";
import { gatewayContainer, type GatewaySidecar } from "../inject/gateway-sidecar.ts";
import type { IssuerToken } from "../inject/issuer-token.ts";
import { quoted } from "../errors/quote.ts";
import { itemsOf } from "../parse/object.ts";
import { defaultAudience, type InjectFlags, userOf } from "./inject-flags.ts";
import { gatewaySessionsOf } from "./injecting-sessions.ts";
import { UsageError } from "./report-error.ts";
import { type RevocationFlags, revocationsOf } from "./revocation-flags.ts";
import type { Cli } from "./surroundings.ts";

/** Flags of the gateway that inject sets itself. */
const own = [
  ...["rotation", "object", "mount", "floorDir", "listen", "adminListen", "public", "dir", "podName", "podUid"],
  ...["sessionListen", "sessionGrpcListen", "hubListen"],
];

/**
 * The gateway that these flags ask for.
 *
 * @throws UsageError for what is no flag of the gateway, or is inject's own; or for what it would refuse
 */
export async function gatewaySidecarOf(
  cli: Cli,
  { rotation, ...given }: InjectFlags & { readonly rotation: string },
  flags: readonly string[],
): Promise<GatewaySidecar> {
  const { secretName, image = `ghcr.io/keyturn/keyturn:${cli.version}`, port = 8080, adminPort = 9090 } = given;
  const { acks, ports, others } = await saidBy(cli, flags);
  const issuerToken = issuerTokenOf(given, others);
  const sessions = gatewaySessionsOf(given, others);
  const sidecar: GatewaySidecar = {
    ...{ rotation, image, acks, flags },
    ...userOf(given),
    ports: { "--port": port, "--admin-port": adminPort, ...ports },
    ...(secretName !== undefined && { secretName }),
    ...(given.public === true && { isPublic: true }),
    ...(issuerToken !== undefined && { issuerToken }),
    ...(sessions !== undefined && { sessions }),
  };
  await mustRun(cli, sidecar);
  return sidecar;
}

/** What the gateway itself would refuse of all its flags. */
async function mustRun(cli: Cli, sidecar: GatewaySidecar): Promise<void> {
  const [{ gatewayCommand }, { checkFlags }] = await Promise.all([
    import("./commands/gateway-command.ts"),
    import("./check-flags.ts"),
  ]);
  const command = gatewayCommand(cli).exitOverride();
  command.parseOptions(itemsOf(gatewayContainer(sidecar)["args"]).map(String).slice(1));
  checkFlags(command.opts<GatewayFlags>());
}

/** What the flags say that inject must know. */
async function saidBy(cli: Cli, flags: readonly string[]) {
  const { gatewayCommand } = await import("./commands/gateway-command.ts");
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
  return { acks, ports, others };
}

/** Undefined: no issuer is asked, or the gateway's flags say who asks. */
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
