import { Command } from "commander";
import type { Cli, Surroundings } from "./surroundings.ts";
import { exitCodeRows, topics } from "./topics.ts";

type Maker = (cli: Cli) => Command;

const looking = () => import("./commands/looking-commands.ts");
const completing = () => import("./commands/completion-commands.ts");
const changing = () => import("./commands/changing-commands.ts");

/** The commands by heading. A process runs one, and loads no other: how soon a sidecar is ready depends on it. */
const groups: Readonly<Record<string, Readonly<Record<string, () => Promise<Maker>>>>> = {
  "Run:": {
    standalone: async () => (await import("./commands/standalone-command.ts")).standaloneCommand,
    gateway: async () => (await import("./commands/gateway-command.ts")).gatewayCommand,
    issuer: async () => (await import("./commands/issuer-command.ts")).issuerCommand,
    agent: async () => (await import("./commands/agent-command.ts")).agentCommand,
    controller: async () => (await import("./commands/controller-command.ts")).controllerCommand,
  },
  "Look:": {
    status: async () => (await looking()).statusCommand,
    timeline: async () => (await looking()).timelineCommand,
    plan: async () => (await looking()).planCommand,
    jwks: async () => (await looking()).jwksCommand,
    wait: async () => (await changing()).waitCommand,
  },
  "Act:": {
    rotate: async () => (await changing()).rotateCommand,
    rollback: async () => (await changing()).rollbackCommand,
    revoke: async () => (await changing()).revokeCommand,
    recover: async () => (await changing()).recoverCommand,
    grants: async () => (await import("./commands/grants-command.ts")).grantsCommand,
  },
  "Ship:": { inject: async () => (await import("./commands/inject-command.ts")).injectCommand },
  "Try:": { token: async () => (await import("./commands/token-commands.ts")).tokenCommand },
  "Other:": {
    completion: async () => (await completing()).completionCommand,
    version: async () => (await import("./commands/version-command.ts")).versionCommand,
  },
};

/**
 * The command line. Building it does nothing: the help and docs/cli.md are made from it as well.
 *
 * @param name - The one command to build; all where it is none of them
 */
export async function buildProgram(around: Surroundings, ended: Cli["ended"], name = ""): Promise<Command> {
  const cli: Cli = { ...around, ended };
  const program = new Command(around.name)
    .summary("rotates the keys that sign JWTs")
    .description(
      "Keyturn rotates the keys that sign JWTs: online, without a restart and without one valid token refused.",
    )
    .showSuggestionAfterError()
    // A flag behind the name of a command is that one's, also where the command above has one of the same name
    .enablePositionalOptions()
    .version(around.version, "-V, --version", "print the version");
  const isOne = Object.values(groups).some((makers) => Object.hasOwn(makers, name));
  for (const [heading, makers] of Object.entries(groups)) {
    for (const [command, maker] of Object.entries(makers)) {
      if (!isOne || command === name) program.addCommand((await maker())(cli).helpGroup(heading));
    }
  }
  if (!isOne) {
    const { helpCommand } = await import("./commands/help-command.ts");
    program.addCommand(helpCommand(cli, () => program).helpGroup("Other:"));
  }
  if (name === "complete") {
    const { completeCommand } = await completing();
    program.addCommand(
      completeCommand(cli, () => buildProgram(around, ended)),
      { hidden: true },
    );
  }
  program.addHelpText(
    "after",
    `\nExit codes:\n${exitCodeRows.map(([code, text]) => `  ${code}  ${text}`).join("\n")}\n\nEvery flag has an environment name, shown in the help of its command.\nTopics: ${around.name} help ${Object.keys(topics).join("|")}`,
  );
  for (const command of allOf(program)) {
    command.exitOverride();
    command.helpCommand(false);
    command.configureOutput({
      writeOut: (text) => around.io.out.write(text),
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => around.io.out.columns,
    });
    command.configureHelp({ sortSubcommands: false, sortOptions: false, minWidthToWrap: 20 });
  }
  return program;
}

/** A command, and all below it. */
export const allOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(allOf)];
