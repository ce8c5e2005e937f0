import type { Command } from "commander";
import { UsageError } from "./report-error.ts";

import { allOf } from "./program.ts";
import { quoted } from "../errors/quote.ts";

const yes = ["1", "true", "yes", "on"];
const no = ["", "0", "false", "no", "off"];

/**
 * Removes what says "no" from the environment: to Commander, a variable of a flag without a value means yes whatever it
 * says. An empty variable counts as unset, as in every shell script.
 *
 * @throws UsageError for what is neither yes nor no
 */
export function withoutFalse(program: Command, env: Record<string, string | undefined>): void {
  for (const option of allOf(program).flatMap((c) => c.options)) {
    const name = option.envVar;
    const value = name === undefined ? undefined : env[name];
    if (name === undefined || value === undefined) continue;
    const takesValue = option.required || option.optional;
    if (takesValue ? value === "" : no.includes(value.toLowerCase())) Reflect.deleteProperty(env, name);
    else if (!takesValue && !yes.includes(value.toLowerCase())) {
      throw new UsageError(`Cannot use ${name} ${quoted(value)}: must be true or false`);
    }
  }
}
