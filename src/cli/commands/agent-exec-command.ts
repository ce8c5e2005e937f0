import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Argument, type Command, type Option } from "commander";
import type { AgentIdentities } from "../../agent/agent-identities.ts";
import type { AgentOptions } from "../../agent/agent-options.ts";
import type { AskedAgent, BesideAgentOptions } from "../../agent/exec/run-beside-agent.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quoted } from "../../errors/quote.ts";
import { type Address, addressText } from "../../http/address.ts";
import { aborted } from "../../time/signal.ts";
import { type AgentSocketFlags, agentSocketFlag, defaultAgentSocket } from "../agent-socket.ts";
import { commandOf, flag } from "../flags.ts";
import type { LogFlags } from "../log-flags.ts";
import { report, UsageError } from "../report-error.ts";
import type { Cli } from "../surroundings.ts";

const owner = "agent";

export interface AgentExecFlags extends AgentSocketFlags, LogFlags {
  readonly identity?: string;
  readonly startWithout?: boolean;
}

/** The flags of an agent of the command's own, and what they ask for. */
export interface OwnAgent<Flags extends AgentExecFlags> {
  /** Those of `keyturn agent`, the log's and `--start-without` among them. */
  readonly flags: readonly Option[];
  /** Undefined where no agent of its own is asked for. @throws UsageError */
  optionsOf(
    flags: Flags,
    around: { readonly log: AgentOptions["log"]; readonly signal: AbortSignal },
  ): Promise<AgentOptions | undefined>;
}

export function agentExecCommand<Flags extends AgentExecFlags>(cli: Cli, own: OwnAgent<Flags>): Command {
  return commandOf({
    name: "exec",
    summary: "run a command that finds a fresh token, however long it runs",
    details:
      "The token is in the file that KEYTURN_TOKEN_FILE names, a new one before the old one ends, and at KEYTURN_AGENT_SOCKET.\nWith flags of an agent it has one of its own, which ends with it; else it asks the one at --socket. Signals go on to the command.\nEnds with its exit code, with 128 + n where signal n ended it, with 127 where there is no such command, and 126 where it may not be run.",
    arguments: [new Argument("<command...>", "what is run, with its arguments, after --")],
    flags: [
      flag("--identity <name>", "whose token", { owner, otherwise: "KEYTURN_IDENTITY, or the only one" }),
      agentSocketFlag(),
      ...own.flags,
    ],
    examples: [
      [
        "A job with an agent of its own",
        "keyturn agent exec --issuer https://issuer.example --client-id ci --client-secret-file secret -- ./nightly.sh",
      ],
      ["Beside an agent that runs", "keyturn agent exec --identity shop -- ./nightly.sh"],
    ],
  }).action(async (command: readonly string[], flags: Flags) => cli.ended(await execute(cli, own, { command, flags })));
}

async function execute<Flags extends AgentExecFlags>(
  cli: Cli,
  own: OwnAgent<Flags>,
  { command, flags }: { readonly command: readonly string[]; readonly flags: Flags },
): Promise<number> {
  const [file, ...args] = command;
  if (file === undefined) throw new UsageError("Cannot run: must have a command after --");
  const { newLog } = await import("../process-log.ts");
  const { colour } = cli.io.err;
  // What it says is said among what the command says
  const log = await newLog({ logLevel: "warn", ...flags }, { colour, live: cli.logIsLive });
  const ending = new AbortController();
  const options = await own.optionsOf(flags, { log, signal: ending.signal });
  try {
    const run = { command: [file, ...args] as const, flags, log };
    return await (options === undefined ? besideOther(cli, run) : withOwn(cli, { ...run, options }));
  } catch (error) {
    const { exitCodeOf } = await import("../../agent/exec/run-child.ts");
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    report(error, cli.io.err);
    return code;
  } finally {
    ending.abort();
  }
}

interface CommandRun {
  readonly command: readonly [string, ...string[]];
  readonly flags: AgentExecFlags;
  readonly log: AgentOptions["log"];
}

async function besideOther(cli: Cli, run: CommandRun): Promise<number> {
  const [{ AgentClient }, { systemClock }] = await Promise.all([
    import("../../agent/api/agent-client.ts"),
    import("../../time/clock.ts"),
  ]);
  const address = run.flags.socket ?? defaultAgentSocket;
  const client = new AgentClient(address, systemClock);
  const names = async (): Promise<readonly string[]> => (await client.identities()).map(({ name }) => name);
  return runBeside(cli, run, { agent: client, address, identity: await identityOf(cli, run.flags, names) });
}

/** Its socket lies in a directory of its own, unless the flags name another place. */
async function withOwn(cli: Cli, run: CommandRun & { readonly options: AgentOptions }): Promise<number> {
  const [{ openAgent }, { inPrivateDir }] = await Promise.all([
    import("../../agent/run-agent.ts"),
    import("../../agent/exec/private-dir.ts"),
  ]);
  return inPrivateDir(await runtimeDirOf(cli), "keyturn-agent-", async (dir) => {
    const { listen: address = { kind: "unix", path: join(dir, "agent.sock") } } = run.options;
    const opening = openAgent({ ...run.options, listen: address });
    try {
      const agent = await Promise.race([opening, aborted(cli.io.interrupted)]);
      if (agent === undefined) return 130;
      const { identities } = agent;
      const names = (): Promise<readonly string[]> => Promise.resolve(identities.all().map(({ spec }) => spec.name));
      const identity = await identityOf(cli, run.flags, names);
      return await runBeside(cli, run, { agent: askedOf(identities), address, identity });
    } finally {
      await opening.then(
        (agent) => agent.close(),
        () => undefined,
      );
    }
  });
}

async function runBeside(
  cli: Cli,
  { command, flags, log }: CommandRun,
  on: Pick<BesideAgentOptions, "agent" | "identity"> & { readonly address: Address },
): Promise<number> {
  const [{ runBesideAgent }, { systemClock }] = await Promise.all([
    import("../../agent/exec/run-beside-agent.ts"),
    import("../../time/clock.ts"),
  ]);
  return runBesideAgent({
    ...{ ...on, command, log, clock: systemClock, chance: () => cli.chance() },
    socket: on.address.kind === "unix" ? on.address.path : addressText(on.address),
    env: cli.env,
    startWithout: flags.startWithout === true,
    runtimeDir: await runtimeDirOf(cli),
    relaySignals: (take) => cli.relaySignals(take),
  });
}

/** An agent of this process, asked as one of another. */
function askedOf(identities: AgentIdentities): AskedAgent {
  const found = (name: string) => {
    const identity = identities.find(name);
    if (identity) return identity;
    throw new ChangeNeededError("IdentityUnknown", `Cannot find identity ${quoted(name)}: must be one of the agent`);
  };
  return {
    // As of one elsewhere: a promise in any case
    identity: async (name) => Promise.resolve(found(name).spec),
    token: async (name) => found(name).token(),
  };
}

async function identityOf(
  { env }: Cli,
  { identity }: AgentExecFlags,
  names: () => Promise<readonly string[]>,
): Promise<string> {
  const named = identity ?? env["KEYTURN_IDENTITY"];
  if (named !== undefined && named !== "") return named;
  const [only, ...others] = await names();
  if (only !== undefined && others.length === 0) return only;
  throw new UsageError("Cannot choose an identity: must have --identity where the agent has not just one");
}

/** In memory, on most machines, where the user has such a directory. */
async function runtimeDirOf({ env }: Cli): Promise<string> {
  const dir = env["XDG_RUNTIME_DIR"] ?? "";
  const isThere =
    dir.startsWith("/") &&
    (await stat(dir).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  return isThere ? dir : tmpdir();
}
