import { exitCodes } from "../tools/exit.ts";
import { withoutFalse } from "./environment.ts";
import { report } from "./report-error.ts";
import { buildProgram } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";

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
    const program = await buildProgram(around, (ended) => void (code = ended), args[0]);
    withoutFalse(program, env);
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    return report(error, around.io.err);
  }
}
