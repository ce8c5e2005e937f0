import { type Argument, Command, Option } from "commander";
import { durationAdvice, readDuration } from "../parse/duration.ts";
import { quoted } from "../errors/quote.ts";
import { UsageError } from "./report-error.ts";
import { readInstant } from "../parse/instant.ts";

/** The environment name of a flag: `--time-zone` is KEYTURN_TIME_ZONE, with a tool's name in between if it is the tool's own. */
const envName = (flags: string, owner?: string): string => {
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? "";
  return ["KEYTURN", ...(owner === undefined ? [] : [owner]), long].join("_").replaceAll("-", "_").toUpperCase();
};

interface FlagExtras {
  /** The tool whose own it is: what is meant for one must not take effect in another. */
  readonly owner?: string;
  readonly parse?: (text: string, flag: string) => unknown;
  readonly choices?: readonly string[];
  /** What is in force without it, for people. */
  readonly otherwise?: string;
}

/** A flag with its environment name. */
export function flag(flags: string, description: string, extras: FlagExtras = {}): Option {
  const { owner, parse, choices, otherwise } = extras;
  const text = otherwise === undefined ? description : `${description} (default: ${otherwise})`;
  const option = new Option(flags, text).env(envName(flags, owner));
  const name = `--${/--([a-z-]+)/.exec(flags)?.[1] ?? ""}`;
  if (choices) {
    option.choices([...choices]);
    option.argParser((value: string) => oneOf(choices, value, name));
  }
  if (parse) option.argParser((value: string) => parse(value, name));
  return option;
}

const oneOf = (choices: readonly string[], value: string, name: string): string => {
  if (choices.includes(value)) return value;
  throw new UsageError(`Cannot use ${name} ${quoted(value)}: must be ${choices.join(", ")}`);
};

/** A Go-style duration in milliseconds. */
export function durationFlag(text: string, name: string): number {
  const ms = readDuration(text);
  if (ms === undefined) throw new UsageError(`Cannot use ${name} ${quoted(text)}: ${durationMust(text)}`);
  return ms;
}

/** How a duration must be written, and what this one may mean. */
function durationMust(text: string): string {
  const advice = durationAdvice(text);
  return `must look like 90m, 1h30m or 45s${advice === undefined ? "" : `; ${advice}`}`;
}

/** A flag that may be there several times. */
export const each = (option: Option, parse: (text: string) => unknown): Option =>
  option.argParser<readonly unknown[] | undefined>((text, before) => [...(before ?? []), parse(text)]);

/** A whole number between these, both of them allowed. */
export function numberWithin(least: number, most: number) {
  return (text: string, name: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be a whole number from ${least} to ${most}`);
  };
}

/** An RFC 3339 instant in Unix milliseconds. */
export function instantFlag(text: string, name: string): number {
  const atMs = readInstant(text);
  if (atMs !== undefined) return atMs;
  throw new UsageError(`Cannot use ${name} ${quoted(text)}: must be an instant such as 2026-11-21T10:00:00Z`);
}

export const dirFlag = (): Option => flag("-d, --dir <directory>", "directory of the rotation");

/** @param formats - What `-o` takes beside text for people */
export const outputFlag = (formats: readonly string[]): Option =>
  flag("-o, --output <format>", "instead of text for people", { choices: formats });

/** How a change is asked for. */
export const changeFlags = (owner: string): readonly Option[] => [
  flag("--dry-run", "ask for nothing; show what would come of it", { owner }).conflicts("wait"),
  flag("--force", "on a cluster: change a field although it belongs to a GitOps tool", { owner }),
  flag("-w, --wait", "stay until it is done, and tell what happens", { owner }),
  timeoutFlag(owner),
];

export const timeoutFlag = (owner: string): Option =>
  flag("--timeout <duration>", "give up waiting after this time, with exit code 4", {
    owner,
    parse: durationFlag,
    otherwise: "10m after the last change, and after what is foreseen",
  });

export interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly wait?: boolean;
  readonly timeout?: number;
}

/** A timer longer than 2³¹ − 1 ms fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** When patience ends. */
export const deadlineOf = ({ timeout }: ChangeFlags): { readonly deadline?: AbortSignal } =>
  timeout === undefined ? {} : { deadline: AbortSignal.timeout(Math.min(timeout, longestTimerMs)) };

/** One line of shell, and what it does. */
export interface Example {
  readonly what: string;
  readonly line: string;
}

const examples = new WeakMap<Command, readonly Example[]>();

export const examplesOf = (command: Command): readonly Example[] => examples.get(command) ?? [];

interface CommandParts {
  readonly name: string;
  readonly summary: string;
  /** Sentences after the summary. */
  readonly details?: string;
  readonly arguments?: readonly Argument[];
  readonly flags: readonly Option[];
  readonly examples: readonly (readonly [what: string, line: string])[];
}

/** A command with everything that its help shows. */
export function commandOf(parts: CommandParts): Command {
  const { name, summary, details } = parts;
  const command = new Command(name).summary(summary);
  command.description(details === undefined ? summary : `${summary}\n\n${details}`);
  for (const argument of parts.arguments ?? []) command.addArgument(argument);
  for (const option of parts.flags) command.addOption(option);
  examples.set(
    command,
    parts.examples.map(([what, line]) => ({ what, line })),
  );
  return command.addHelpText("after", ({ command: shown }) => `\nExamples:\n${exampleText(shown)}`);
}

/** Under the name that the program was called by. */
function exampleText(command: Command): string {
  const name = rootOf(command).name();
  const called = (line: string): string => line.replaceAll(/(?<=^|[|(] ?)keyturn (?=[a-z])/g, `${name} `);
  return examplesOf(command)
    .map(({ what, line }) => `  # ${what}\n  ${called(line)}`)
    .join("\n\n");
}

const rootOf = (command: Command): Command => (command.parent ? rootOf(command.parent) : command);
