import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { buildProgram } from "../../../src/cli/program.ts";
import { FakeCli } from "../../cli/around.ts";

export const exec = promisify(execFile);

export const hasSystemd = await exec("systemd-analyze", ["--version"]).then(
  () => true,
  () => false,
);

interface Setting {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** Units of systemd in a folder of examples. */
export class Units {
  readonly folder: string;
  readonly names: readonly string[];

  constructor(example: string) {
    this.folder = join(import.meta.dirname, "../../../examples", example);
    this.names = globSync("*.service", { cwd: this.folder });
  }

  textOf(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  /** Settings of a unit, in their order (systemd.syntax(7)). */
  #settingsOf(unit: string): readonly Setting[] {
    let section = "";
    return this.textOf(unit)
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .flatMap((line) => {
        const [, heading] = /^\[(\w+)\]$/.exec(line) ?? [];
        if (heading !== undefined) section = heading;
        const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
        return heading === undefined ? [{ section, name, value }] : [];
      });
  }

  valuesOf(unit: string, wanted: string): readonly string[] {
    return this.#settingsOf(unit).flatMap(({ name, value }) => (name === wanted ? [value] : []));
  }

  /** The arguments of the program in a unit. */
  argsOf(unit: string): readonly string[] {
    return (this.valuesOf(unit, "ExecStart")[0] ?? "").split(" ").slice(1);
  }

  /** With a program in place of those that are not on this machine. */
  async analyzed<Result>(use: (paths: readonly string[]) => Promise<Result>): Promise<Result> {
    const dir = await mkdtemp(join(tmpdir(), "keyturn-units-"));
    try {
      const paths = await Promise.all(
        this.names.map(async (unit) => {
          const path = join(dir, basename(unit));
          await writeFile(path, this.textOf(unit).replaceAll(/^ExecStart=\S+/gm, "ExecStart=/bin/true"));
          return path;
        }),
      );
      return await use(paths);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

/** The command that these arguments name, and what it can't read of them. */
export async function readBy(args: readonly string[]): Promise<{ command: string; unknown: readonly string[] }> {
  let command: Command = await buildProgram(new FakeCli().surroundings(), () => undefined, args[0]);
  const rest = [...args];
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0]);
    if (next === undefined) break;
    command = next.exitOverride();
    rest.shift();
  }
  const { operands, unknown } = command.parseOptions(rest);
  return { command: command.name(), unknown: [...operands, ...unknown] };
}
