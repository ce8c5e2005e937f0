import type { Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { line } from "../../tools/text/screen.ts";
import { commandOf, outputFlag } from "../flags.ts";
import type { Cli } from "../surroundings.ts";

export function versionCommand(cli: Cli): Command {
  return commandOf({
    name: "version",
    summary: "print the version of Keyturn, and of what it runs on",
    flags: [outputFlag(["json", "yaml"])],
    examples: [["For a bug report", "keyturn version"]],
  }).action(async ({ output }: { readonly output?: "json" | "yaml" }) => {
    const { version, commit, platform } = cli;
    if (output) {
      const { documentText } = await import("../../tools/text/output.ts");
      cli.io.out.write(documentText({ version, ...(commit !== undefined && { commit }), ...platform }, output));
    } else {
      const built = commit === undefined ? "" : `commit ${commit}, `;
      line(cli.io.out, `keyturn ${version} (${built}Node.js ${platform.node}, ${platform.system})`);
    }
    cli.ended(exitCodes.done);
  });
}
