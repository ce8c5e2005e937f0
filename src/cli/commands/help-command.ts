import { Argument, type Command } from "commander";
import { quoted } from "../../errors/quote.ts";
import { nearest } from "../../parse/nearest.ts";
import { exitCodes } from "../../tools/exit.ts";
import { fitted } from "../../tools/text/line-fit.ts";
import { line, paint, type Screen } from "../../tools/text/screen.ts";
import { pairs } from "../../tools/text/table.ts";
import { commandOf } from "../flags.ts";
import { UsageError } from "../report-error.ts";
import type { Cli } from "../surroundings.ts";
import { type Topic, topics } from "../topics.ts";

/** @param program - The whole of it, once the command runs */
export function helpCommand(cli: Cli, program: () => Command): Command {
  return commandOf({
    name: "help",
    summary: "explain a command, or a topic",
    details: `Topics: ${Object.keys(topics).join(", ")}.`,
    arguments: [wordsArgument()],
    flags: [],
    examples: [
      ["What must a token have?", "keyturn help tokens"],
      ["How is a token verified by hand?", "keyturn help token verify"],
    ],
  }).action((words: readonly string[]) => {
    const [first = "", ...more] = words;
    const topic = more.length === 0 && Object.hasOwn(topics, first) ? topics[first] : undefined;
    if (topic) for (const text of topicText(topic, cli.io.out)) line(cli.io.out, text);
    else commandNamed(program(), words).outputHelp();
    cli.ended(exitCodes.done);
  });
}

/** Shells are told of the topics; what was typed may be a command as well. */
const wordsArgument = (): Argument =>
  Object.assign(new Argument("[words...]", "a command, or a topic"), { argChoices: Object.keys(topics) });

/** @throws UsageError with the one that may be meant */
function commandNamed(program: Command, words: readonly string[]): Command {
  return words.reduce((above, word) => {
    const found = above.commands.find((command) => command.name() === word);
    if (found) return found;
    const others = [
      ...above.commands.map((command) => command.name()),
      ...(above === program ? Object.keys(topics) : []),
    ];
    const meant = nearest(word, others);
    const what = above === program ? "a command or a topic" : `a command below ${above.name()}`;
    throw new UsageError(
      `Cannot explain ${quoted(word)}: must be ${what}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    );
  }, program);
}

/** Paragraphs have no lines of their own: they are broken for the screen, a hundred columns at the most. */
function topicText({ title, parts, page }: Topic, screen: Screen): readonly string[] {
  const columns = Math.min(100, screen.columns);
  const body = parts.flatMap((part) => [
    "",
    ...(typeof part === "string" ? [part.replaceAll("`", "")] : pairs(part, screen).map((text) => `  ${text}`)),
  ]);
  return [paint(screen, "strong", title), ...body, "", `More: ${page}`].flatMap((text) => fitted(text, columns));
}
