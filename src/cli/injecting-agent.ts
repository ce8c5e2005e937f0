import { agentContainer, type AgentSidecar, sharedPath } from "../inject/agent-sidecar.ts";
import { quoted } from "../errors/quote.ts";
import { itemsOf } from "../parse/object.ts";
import { ordersOf } from "./agent-flags.ts";
import { type AgentFlags, agentCommand } from "./commands/agent-command.ts";
import { defaultAudience, type InjectFlags, userOf } from "./inject-flags.ts";
import { address } from "./listen.ts";
import { UsageError } from "./report-error.ts";
import type { Cli } from "./surroundings.ts";

/** Flags of the agent that inject sets itself. */
const own = [
  "config",
  "tokenFile",
  "clientId",
  "clientSecretFile",
  "refreshTokenFile",
  "mintSocket",
  "caFile",
  "sinkFile",
  "sinkFormat",
  "sinkMode",
  "sinkGroup",
  "stateDir",
  "listen",
  "adminListen",
  "startWithout",
];

/**
 * The agent that these flags ask for.
 *
 * @throws UsageError for what is no flag of the agent, or is inject's own; or for what it would refuse
 */
export async function agentSidecarOf(cli: Cli, given: InjectFlags, flags: readonly string[]): Promise<AgentSidecar> {
  const { image = `ghcr.io/keyturn/keyturn:${cli.version}`, agentConfig: configMap } = given;
  const { agentAudience: audience = defaultAudience, agentCaConfigMap: caConfigMap, agentAdminPort = 9091 } = given;
  const { name = "default", proxyListen } = saidBy(cli, flags);
  const proxy = proxyListen === undefined ? undefined : address(proxyListen, "--proxy-listen");
  if (proxy?.kind === "unix" && !proxy.path.startsWith(`${sharedPath}/`)) {
    throw new UsageError(`Cannot use --proxy-listen: must be a socket in ${sharedPath}, which the application sees`);
  }
  const sidecar: AgentSidecar = {
    ...{ image, flags, keeps: configMap === undefined ? { identity: name } : { configMap } },
    ...userOf(given),
    issuerToken: { audience, ...(caConfigMap !== undefined && { caConfigMap }) },
    ports: {
      "--agent-admin-port": agentAdminPort,
      ...(proxy?.kind === "tcp" && { "--proxy-listen": proxy.port }),
    },
  };
  await mustRun(cli, sidecar);
  return sidecar;
}

function saidBy(cli: Cli, flags: readonly string[]): AgentFlags {
  const command = agentCommand(cli).exitOverride();
  const { operands, unknown } = command.parseOptions([...flags]);
  const [wrong] = [...operands, ...unknown];
  if (wrong !== undefined) throw new UsageError(`Cannot use ${quoted(wrong)}: must be a flag of keyturn agent`);
  const said = command.opts<AgentFlags>();
  const taken = command.options.find(
    (option) => own.includes(option.attributeName()) && option.attributeName() in said,
  );
  if (taken) throw new UsageError(`Cannot use ${taken.long ?? ""} for the agent: inject must set it itself`);
  return said;
}

/** What the agent itself would refuse of all its flags. */
async function mustRun(cli: Cli, sidecar: AgentSidecar): Promise<void> {
  const command = agentCommand(cli).exitOverride();
  const { args } = agentContainer(sidecar);
  command.parseOptions(itemsOf(args).map(String).slice(1));
  await ordersOf(command.opts<AgentFlags>());
}
