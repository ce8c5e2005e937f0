import { RootCommand, script } from "@bomb.sh/tab";
import { Argument, type Command, type Option } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { commandOf } from "../flags.ts";
import { homeFlags } from "../home-flags.ts";
import { leadingFlags } from "../leading-flags.ts";
import type { Cli } from "../surroundings.ts";

const shells = ["bash", "zsh", "fish"] as const;

export function completionCommand(cli: Cli): Command {
  return commandOf({
    name: "completion",
    summary: "print a script that has a shell complete commands, flags and their values",
    details:
      "The script asks the program itself at each Tab, so it need not be made again with a newer version. For kubectl keyturn see docs/operations.md.",
    arguments: [new Argument("<shell>", "whose script").choices(shells)],
    flags: [],
    examples: [
      ["In this shell", "source <(keyturn completion bash)"],
      ["In each of yours", "keyturn completion fish > ~/.config/fish/completions/keyturn.fish"],
    ],
  }).action((shell: string) => {
    // It is for the program under its own name: kubectl asks otherwise
    script(shell, "keyturn", "keyturn");
    cli.ended(exitCodes.done);
  });
}

/** What the script asks: a line for each word that fits, as cobra has it, which kubectl reads. Not for people, so in no help. */
export function completeCommand(cli: Cli, wholeProgram: () => Promise<Command>): Command {
  return commandOf({
    name: "complete",
    summary: "say what the last word of a command line may become",
    arguments: [new Argument("[words...]", "behind --")],
    flags: [],
    examples: [["What a shell asks", "keyturn complete -- grants l"]],
  }).action(async (words: readonly string[]) => {
    const root = new RootCommand();
    describe(root, await wholeProgram(), []);
    // The command that they stand before is what counts
    root.parse([...leadingFlags(words, homeFlags()).rest]);
    cli.ended(exitCodes.done);
  });
}

/** Tells of each command what may follow it. */
function describe(root: RootCommand, command: Command, path: readonly string[]): void {
  const known = path.length === 0 ? root : root.command(path.join(" "), command.summary());
  const flags = path.length === 0 ? [...command.options, ...homeFlags()] : command.options;
  for (const { name, choices, what, letter } of flags.flatMap(flagsOf)) {
    if (choices === undefined) known.option(name, what, letter);
    else known.option(name, what, (complete) => choices.forEach((choice) => complete(choice, "")), letter);
  }
  for (const argument of command.registeredArguments) {
    known.argument(
      argument.name(),
      (complete) => argument.argChoices?.forEach((choice) => complete(choice, "")),
      argument.variadic,
    );
  }
  for (const below of command.createHelp().visibleCommands(command)) describe(root, below, [...path, below.name()]);
}

interface CompletedFlag {
  readonly name: string;
  /** Absent: no value follows. Empty: anything may. */
  readonly choices?: readonly string[];
  readonly what: string;
  readonly letter?: string;
}

function flagsOf({
  long,
  short,
  required,
  optional,
  argChoices,
  description,
  hidden,
}: Option): readonly CompletedFlag[] {
  if (hidden || long == null) return [];
  const takesValue = required || optional;
  return [
    {
      ...{ name: long.slice(2), what: description },
      ...(takesValue && { choices: argChoices ?? [] }),
      ...(short != null && { letter: short.slice(1) }),
    },
  ];
}
