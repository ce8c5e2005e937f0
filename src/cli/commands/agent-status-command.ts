import { Argument, type Command } from "commander";
import type { AgentClient } from "../../agent/api/agent-client.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quoted } from "../../errors/quote.ts";
import type { Address } from "../../http/address.ts";
import { exitCodes } from "../../tools/exit.ts";
import type { DocumentFormat } from "../../tools/text/output.ts";
import { nearest } from "../../parse/nearest.ts";
import { agentSocketFlag, type AgentSocketFlags, defaultAgentSocket } from "../agent-socket.ts";
import { commandOf, outputFlag } from "../flags.ts";
import { UsageError } from "../report-error.ts";
import type { Cli } from "../surroundings.ts";

interface AgentStatusFlags extends AgentSocketFlags {
  readonly output?: DocumentFormat;
}

export function agentStatusCommand(cli: Cli): Command {
  return commandOf({
    name: "status",
    summary: "show how the identities of a running agent are doing",
    details: "And nothing secret. It ends with 0 whatever it shows: what an orchestrator asks is /readyz.",
    arguments: [new Argument("[identity]", "this one alone, with everything that is known of it")],
    flags: [agentSocketFlag(), outputFlag(["json", "yaml"])],
    examples: [
      ["All of them", "keyturn agent status"],
      ["Of an agent elsewhere on the machine", "keyturn agent status shop --socket unix:/run/shop/agent.sock"],
      ["Which have no token?", "keyturn agent status -o json | jq -r '.items[] | select(.token == null) | .name'"],
    ],
  }).action(async (name: string | undefined, { output, socket }: AgentStatusFlags) => {
    const format = { ...(output && { output }) };
    const { showIdentities, showIdentity } = await import("../../tools/agent/look-at-agent.ts");
    const code = await asking(socket, name, async (client) =>
      name === undefined
        ? showIdentities(await client.identities(), format, cli.io)
        : showIdentity(await client.identity(name), format, cli.io),
    );
    cli.ended(code);
  });
}

const identityArgument = () => new Argument("[identity]", "its name (default: KEYTURN_IDENTITY)");

const identityNamed = (name: string | undefined, { env }: Cli): string => {
  const found = name ?? env["KEYTURN_IDENTITY"];
  if (found !== undefined && found !== "") return found;
  throw new UsageError("Cannot ask the agent: must have the name of an identity, or KEYTURN_IDENTITY");
};

export function agentTokenCommand(cli: Cli): Command {
  return commandOf({
    name: "token",
    summary: "print the token of an identity, fresh",
    details:
      "One that is about to end is renewed first. It is the agent's to keep it fresh: ask again for each use, and keep no copy.",
    arguments: [identityArgument()],
    flags: [agentSocketFlag()],
    examples: [
      ["For one call", 'curl -H "Authorization: Bearer $(keyturn agent token shop)" https://api.example/v1/orders'],
      ["Of an agent on TCP", "keyturn agent token shop --socket 127.0.0.1:8126"],
    ],
  }).action(async (name: string | undefined, { socket }: AgentSocketFlags) => {
    const identity = identityNamed(name, cli);
    const { accessToken } = await asking(socket, identity, (client) => client.token(identity));
    cli.io.out.write(`${accessToken}\n`);
    cli.ended(exitCodes.done);
  });
}

export function agentRefreshCommand(cli: Cli): Command {
  return commandOf({
    name: "refresh",
    summary: "renew the token of an identity now",
    details:
      "Past throttle and back-off, and once. Whoever has the one before may use it to its end. The token is not printed.",
    arguments: [identityArgument()],
    flags: [agentSocketFlag(), outputFlag(["json", "yaml"])],
    examples: [["Rights were changed, and are to count at once", "keyturn agent refresh shop"]],
  }).action(async (name: string | undefined, { output, socket }: AgentStatusFlags) => {
    const identity = identityNamed(name, cli);
    const { sayRenewed } = await import("../../tools/agent/look-at-agent.ts");
    const renewed = await asking(socket, identity, async (client) => {
      await client.refresh(identity);
      return client.identity(identity);
    });
    cli.ended(sayRenewed(renewed, { ...(output && { output }) }, cli.io));
  });
}

/** @param name - Of the identity that is asked for: a slip of it is told */
async function asking<Told>(
  socket: Address | undefined,
  name: string | undefined,
  ask: (client: AgentClient) => Promise<Told>,
): Promise<Told> {
  const [{ AgentClient: Client }, { systemClock }] = await Promise.all([
    import("../../agent/api/agent-client.ts"),
    import("../../time/clock.ts"),
  ]);
  const client = new Client(socket ?? defaultAgentSocket, systemClock);
  try {
    return await ask(client);
  } catch (error) {
    const isUnknown = error instanceof ChangeNeededError && ["IdentityUnknown", "PathUnknown"].includes(error.code);
    if (!isUnknown || name === undefined) throw error;
    const names = (await client.identities()).map((one) => one.name);
    const meant = nearest(name, names);
    const is = meant === undefined ? "is none" : `is none; did you mean ${quoted(meant)}`;
    throw new ChangeNeededError(
      "IdentityUnknown",
      `Cannot find identity ${quoted(name)}: must be one of the agent, ${is}`,
    );
  }
}
