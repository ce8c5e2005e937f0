import type { Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { documentText } from "../../tools/output.ts";
import { line } from "../../tools/screen.ts";
import { commandOf, outputFlag } from "../flags.ts";
import type { Cli } from "../surroundings.ts";

export function versionCommand(cli: Cli): Command {
  return commandOf({
    name: "version",
    summary: "print the version of Keyturn, and of what it runs on",
    flags: [outputFlag(["json", "yaml"])],
    examples: [["For a bug report", "keyturn version"]],
  }).action(({ output }: { readonly output?: "json" | "yaml" }) => {
    const { version, platform } = cli;
    if (output) cli.io.out.write(documentText({ version, ...platform }, output));
    else line(cli.io.out, `keyturn ${version} (Node.js ${platform.node}, ${platform.system})`);
    cli.ended(exitCodes.done);
  });
}
