import type { Command, Option } from "commander";

/** A command line whose first words are flags. */
interface Split {
  readonly flags: readonly string[];
  readonly rest: readonly string[];
}

/** The flags at the beginning, with their values, as far as they are among those that may stand there. */
export function leadingFlags(args: readonly string[], known: readonly Option[]): Split {
  let count = 0;
  while (count < args.length) {
    const taken = wordsOf(args[count] ?? "", known);
    if (taken === 0) break;
    count += taken;
  }
  return { flags: args.slice(0, count), rest: args.slice(count) };
}

/** So many words belong to the flag: it alone, or with its value behind it. Zero for what is none of the known ones. */
function wordsOf(word: string, known: readonly Option[]): 0 | 1 | 2 {
  const [name = "", value] = word.startsWith("--")
    ? word.split(/=(.*)/s)
    : [word.slice(0, 2), word.slice(2) || undefined];
  const option = known.find(({ long, short }) => name === long || name === short);
  if (option === undefined) return 0;
  return option.required && value === undefined ? 2 : 1;
}

/** The same command line with the flags behind the name of the command, and of the one below it. */
export function withFlagsBehind({ flags, rest }: Split, program: Command): readonly string[] {
  let depth = 0;
  for (let at = program; ; depth++) {
    const name = rest[depth];
    const below = at.commands.find((command) => command.name() === name);
    if (below === undefined) break;
    at = below;
  }
  return depth === 0 ? rest : [...rest.slice(0, depth), ...flags, ...rest.slice(depth)];
}
