import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { Command, Option } from "commander";
import type { AgentOptions, AgentOrders } from "../../agent/agent-options.ts";
import { addressText } from "../../http/address.ts";
import { exitCodes } from "../../tools/exit.ts";
import { hasOrders, orderFlags, type OrderFlags, ordersOf } from "../agent-flags.ts";
import { defaultAgentSocket } from "../agent-socket.ts";
import { commandOf, durationFlag, flag } from "../flags.ts";
import { type AddressOrOff, addressOrOff, tcpAddress } from "../listen.ts";
import { type LogFlags, logFlags } from "../log-flags.ts";
import { UsageError } from "../report-error.ts";
import type { Cli } from "../surroundings.ts";
import { agentExecCommand } from "./agent-exec-command.ts";
import { agentRefreshCommand, agentStatusCommand, agentTokenCommand } from "./agent-status-command.ts";

const owner = "agent";

export interface AgentFlags extends OrderFlags, LogFlags {
  readonly stateDir?: string;
  readonly listen?: AddressOrOff;
  readonly registerDir?: string;
  readonly adminListen?: AddressOrOff;
  readonly readyMargin?: number;
  readonly startWithout?: boolean;
  readonly drainTimeout?: number;
}

/** How it runs, whatever it keeps. */
const runFlags = (): readonly Option[] => [
  flag("--state-dir <directory>", "where tokens outlive a restart; of one agent alone", {
    owner,
    otherwise: "in memory: each start begins with the first credential",
  }),
  flag("--listen <address>", "its API for this machine: unix:<path>, a loopback address, or off", {
    owner,
    parse: addressOrOff,
    otherwise: addressText(defaultAgentSocket),
  }),
  flag("--register-dir <directory>", "identities may be registered at run time whose files lie below it", {
    owner,
    otherwise: "none may",
  }),
  flag("--admin-listen <address>", "health and metrics", { owner, parse: addressOrOff, otherwise: "off" }),
  flag("--ready-margin <duration>", "ready is who has tokens that are good for so long", {
    owner,
    parse: durationFlag,
    otherwise: "0s",
  }),
  flag("--start-without", "begin although there is no token yet, and go on trying", { owner }),
  flag("--drain-timeout <duration>", "how long requests may take after SIGTERM", {
    owner,
    parse: durationFlag,
    otherwise: "10s",
  }),
];

const agentFlags = (): readonly Option[] => [...orderFlags(), ...runFlags(), ...logFlags()];

export function agentCommand(cli: Cli): Command {
  return commandOf({
    name: "agent",
    summary: "keep tokens fresh for programs of any language",
    details:
      "It gets tokens from an issuer and renews them before they end, for as long as it runs. Programs have them from a file,\na socket, or a proxy that adds them. It follows its file, and reads it at once on SIGHUP.\nRuns until SIGTERM or SIGINT.",
    flags: agentFlags(),
    examples: [
      ["Any number of identities, by a file", "keyturn agent --config agent.yaml --state-dir /var/lib/keyturn-agent"],
      [
        "One identity, whose token is kept in a file",
        "keyturn agent --issuer https://issuer.example --client-id reports --client-secret-file secret --sink-file /run/reports/token",
      ],
      [
        "One identity, for an application that knows of no token",
        "keyturn agent --issuer https://issuer.example --token-file /var/run/secrets/identity/token --proxy-listen 127.0.0.1:8081 --upstream https://api.example",
      ],
    ],
  })
    .action((flags: AgentFlags) => runCommand(cli, flags))
    .enablePositionalOptions()
    .addCommand(agentStatusCommand(cli))
    .addCommand(agentTokenCommand(cli))
    .addCommand(agentRefreshCommand(cli))
    .addCommand(
      agentExecCommand(cli, { flags: agentFlags(), optionsOf: (flags, around) => ownOptionsOf(cli, flags, around) }),
    );
}

async function runCommand(cli: Cli, flags: AgentFlags): Promise<void> {
  // What ten thousand identities leave behind at their begin is collected in a small young generation; by itself it would grow to 32 MiB
  setFlagsFromString("--semi-space-growth-factor=1");
  const told = await ordersOf(flags);
  const [{ runAgent }, { newLog }] = await Promise.all([
    import("../../agent/run-agent.ts"),
    import("../process-log.ts"),
  ]);
  const { io } = cli;
  const log = await newLog(flags, { colour: io.err.colour, live: cli.logIsLive });
  const { listen = defaultAgentSocket, adminListen = "off" } = flags;
  if (listen === "off" && adminListen === "off") {
    log.info({}, "listens for nobody but its proxies and sockets: --listen and --admin-listen are off");
  }
  await runAgent({
    ...(await optionsOf(cli, { flags, told, log, signal: io.interrupted })),
    rereadOn: (reread) => cli.rereadOn(reread),
    ...(listen !== "off" && { listen }),
  });
  cli.ended(exitCodes.done);
}

/** Of an agent of a command's own. A socket is made for it, unless the flags name a place. */
async function ownOptionsOf(
  cli: Cli,
  flags: AgentFlags,
  around: { readonly log: AgentOptions["log"]; readonly signal: AbortSignal },
): Promise<AgentOptions | undefined> {
  if (!hasOrders(flags)) return undefined;
  const { listen } = flags;
  if (listen === "off") throw new UsageError("Cannot run: must be without --listen off, a command asks there");
  const options = await optionsOf(cli, { flags, told: await ordersOf(flags), ...around });
  return { ...options, ...(listen && { listen }) };
}

/** All but where it listens. */
async function optionsOf(
  { io, env, version }: Cli,
  given: {
    readonly flags: AgentFlags;
    readonly told: AgentOrders;
    readonly log: AgentOptions["log"];
    readonly signal: AbortSignal;
  },
): Promise<AgentOptions> {
  const { flags, ...parts } = given;
  const { stateDir, registerDir, adminListen = "off" } = flags;
  const admin = adminListen === "off" ? undefined : tcpAddress(adminListen, "--admin-listen");
  const { systemClock } = await import("../../time/clock.ts");
  return {
    ...parts,
    ...(stateDir !== undefined && { stateDir: resolve(stateDir) }),
    ...(registerDir !== undefined && { registerDir: resolve(registerDir) }),
    ...(admin && { adminListen: admin }),
    readyMarginMs: flags.readyMargin ?? 0,
    startWithout: flags.startWithout ?? false,
    drainMs: flags.drainTimeout ?? 10_000,
    ...{ env, version, clock: systemClock, chance: Math.random, newId: () => io.randomId() },
  };
}
