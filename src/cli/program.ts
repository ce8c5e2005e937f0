import { Command } from "commander";
import { jwksCommand, planCommand, statusCommand, timelineCommand } from "./commands/looking.ts";
import { recoverCommand, revokeCommand, rollbackCommand, rotateCommand, waitCommand } from "./commands/changing.ts";
import { controllerCommand } from "./commands/controller.ts";
import { gatewayCommand } from "./commands/gateway.ts";
import { standaloneCommand } from "./commands/standalone.ts";
import { tokenCommand } from "./commands/token.ts";
import { versionCommand } from "./commands/version.ts";
import type { Cli, Surroundings } from "./surroundings.ts";

/** What the exit codes mean; `tools/exit.ts` has the numbers. */
export const exitCodeText = [
  "0  done",
  "1  failed, or the answer is no",
  "2  the command line is wrong",
  "3  refused by a rule of the rotation",
  "4  timed out",
] as const;

/** The whole command line. Building it does nothing: the help and docs/cli.md are made from it as well. */
export function buildProgram(around: Surroundings, ended: Cli["ended"]): Command {
  const cli: Cli = { ...around, ended };
  const program = new Command(around.name)
    .summary("rotates the keys that sign JWTs")
    .description(
      "Keyturn rotates the keys that sign JWTs: online, without a restart and without one valid token refused.",
    )
    .showSuggestionAfterError()
    .version(around.version, "-V, --version", "print the version");
  const groups: readonly (readonly [string, readonly Command[]])[] = [
    ["Run:", [standaloneCommand(cli), gatewayCommand(cli), controllerCommand(cli)]],
    ["Look:", [statusCommand(cli), timelineCommand(cli), planCommand(cli), jwksCommand(cli), waitCommand(cli)]],
    ["Act:", [rotateCommand(cli), rollbackCommand(cli), revokeCommand(cli), recoverCommand(cli)]],
    ["Try:", [tokenCommand(cli)]],
    ["Other:", [versionCommand(cli)]],
  ];
  for (const [heading, commands] of groups) {
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  }
  program.addHelpText(
    "after",
    `\nExit codes:\n${exitCodeText.map((text) => `  ${text}`).join("\n")}\n\nEvery flag has an environment name, shown in the help of its command.`,
  );
  for (const command of allOf(program)) {
    command.exitOverride();
    if (command !== program) command.helpCommand(false);
    command.configureOutput({
      writeOut: (text) => around.io.out.write(text),
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => around.io.out.columns,
    });
    command.configureHelp({ sortSubcommands: false, sortOptions: false });
  }
  return program;
}

/** A command, and all below it. */
export const allOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(allOf)];
