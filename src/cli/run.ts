import { exitCodes } from "../tools/exit.ts";
import { withoutFalse } from "./environment.ts";
import { leadingFlags, withFlagsBehind } from "./leading-flags.ts";
import { report } from "./report-error.ts";
import { buildProgram } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whoever starts a server needs none of what the flags of the tools bring along. */
async function splitOf(args: readonly string[]) {
  if (args[0]?.startsWith("-") !== true) return { flags: [], rest: args };
  const { homeFlags } = await import("./home-flags.ts");
  return leadingFlags(args, homeFlags());
}

/**
 * Runs one command line, and returns its exit code; never throws.
 *
 * @param args - Without the program's own name
 * @param env - Commander reads `process.env` as well: it must be the same object
 */
export async function run(
  args: readonly string[],
  around: Surroundings,
  env: Record<string, string | undefined>,
): Promise<number> {
  let code: number = exitCodes.done;
  try {
    const split = await splitOf(args);
    const program = await buildProgram(around, (ended) => void (code = ended), split.rest[0]);
    withoutFalse(program, env);
    await program.parseAsync([...withFlagsBehind(split, program)], { from: "user" });
    return code;
  } catch (error) {
    return report(error, around.io.err);
  }
}
