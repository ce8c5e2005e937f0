import type { Argument, Command, Option } from "commander";
import { examplesOf } from "./flags.ts";
import { allOf, buildProgram } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";
import { environmentNotes, exitCodeNote, exitCodeRows } from "./topics.ts";

const nowhere = (): never => {
  throw new TypeError("Cannot run a command while the documentation is made");
};

/** Building the program asks for nothing but the width of the help, which is not looked at here. */
const nobody: Surroundings = {
  io: {
    out: { columns: 100, colour: false, unicode: true, live: false, rows: Infinity, write: nowhere },
    err: { columns: 100, colour: false, unicode: true, live: false, rows: Infinity, write: nowhere },
    timeZone: "UTC",
    interrupted: new AbortController().signal,
    nowMs: nowhere,
    randomId: nowhere,
    pause: nowhere,
  },
  name: "keyturn",
  version: "",
  platform: { node: "", system: "" },
  logIsLive: false,
  openHome: nowhere,
  openShown: nowhere,
  readFile: nowhere,
  readInput: nowhere,
  readSecret: nowhere,
  monotonicMs: nowhere,
  env: {},
  hostname: "",
  chance: nowhere,
  rereadOn: nowhere,
  relaySignals: nowhere,
};

/** docs/cli.md, from the program itself. */
export async function cliReference(): Promise<string> {
  const program = await buildProgram(nobody, nowhere);
  const commands = allOf(program).filter(isDoing);
  return [
    "<!-- Generated from src/cli by npm run generate: edits are lost. -->",
    "",
    "# The command line",
    "",
    program.description(),
    "",
    ...commands.map((command) => `- [\`${commandPathOf(command)}\`](#${anchorOf(command)}): ${command.summary()}`),
    "",
    ...exitCodes(),
    ...environment(),
    ...commands.flatMap(section),
  ].join("\n");
}

/** What only has others below it does nothing of its own, and has no examples. */
const isDoing = (command: Command): boolean => examplesOf(command).length > 0;

const commandPathOf = (command: Command): string =>
  command.parent ? `${commandPathOf(command.parent)} ${command.name()}` : command.name();
const anchorOf = (command: Command): string => commandPathOf(command).replaceAll(" ", "-");

const exitCodes = (): readonly string[] => [
  "## Exit codes",
  "",
  ...table(["code", "meaning"], exitCodeRows),
  "",
  exitCodeNote,
  "",
];

const environment = (): readonly string[] => ["## Environment", "", ...environmentNotes.flatMap((text) => [text, ""])];

function section(command: Command): readonly string[] {
  const [summary = "", ...details] = command.description().split("\n\n");
  return [
    `## ${commandPathOf(command)}`,
    "",
    sentence(summary),
    "",
    ...details.flatMap((text) => [text.replaceAll("\n", " "), ""]),
    "```",
    `${commandPathOf(command)} ${command.usage()}`.trim(),
    "```",
    "",
    ...argumentsOf(command.registeredArguments),
    ...flagsOf(command.options),
    ...examples(command),
  ];
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function argumentsOf(all: readonly Argument[]): readonly string[] {
  const rows = all.map((one) => [code(one.required ? `<${one.name()}>` : `[${one.name()}]`), one.description]);
  return rows.length === 0 ? [] : [...table(["argument", "what it is"], rows), ""];
}

function flagsOf(options: readonly Option[]): readonly string[] {
  const rows = options.map((option) => {
    const choices = option.argChoices ? `: ${option.argChoices.map(code).join(", ")}` : "";
    return [
      code(option.flags),
      `${option.description}${choices}`,
      option.envVar === undefined ? "" : code(option.envVar),
    ];
  });
  return rows.length === 0 ? [] : [...table(["flag", "what it does", "environment"], rows), ""];
}

function examples(command: Command): readonly string[] {
  const lines = examplesOf(command).flatMap(({ what, line }, index) => [
    ...(index === 0 ? [] : [""]),
    `# ${what}`,
    line,
  ]);
  return lines.length === 0 ? [] : ["```sh", ...lines, "```", ""];
}

const code = (text: string): string => `\`${text}\``;

function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(heads), row(heads.map(() => "---")), ...rows.map(row)];
}
