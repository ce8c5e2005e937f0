import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseTokenAgent } from "../../src/agent/config/read-token-agent.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { FakeCli } from "../cli/around.ts";

const folder = join(import.meta.dirname, "../../examples/agent");
const units = globSync("*.service", { cwd: folder });
const textOf = (file: string): string => readFileSync(join(folder, file), "utf8");

interface Setting {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** Settings of a unit, in their order (systemd.syntax(7)). */
function settingsOf(unit: string): readonly Setting[] {
  let section = "";
  return textOf(unit)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .flatMap((line) => {
      const [, heading] = /^\[(\w+)\]$/.exec(line) ?? [];
      if (heading !== undefined) section = heading;
      const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return heading === undefined ? [{ section, name, value }] : [];
    });
}

const valuesOf = (unit: string, wanted: string): readonly string[] =>
  settingsOf(unit).flatMap(({ name, value }) => (name === wanted ? [value] : []));

const agent = "keyturn-agent.service";

/** The arguments of the program in a unit. */
const argsOf = (unit: string): readonly string[] => (valuesOf(unit, "ExecStart")[0] ?? "").split(" ").slice(1);

/** The command that these arguments name, and what it can't read of them. */
async function readBy(args: readonly string[]): Promise<{ command: string; unknown: readonly string[] }> {
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

describe("examples/agent", () => {
  test("starts the agent with flags that it has", async () => {
    expect(valuesOf(agent, "ExecStart")[0]).toMatch(/^\/usr\/local\/bin\/keyturn /);
    expect(await readBy(argsOf(agent))).toEqual({ command: "agent", unknown: [] });
    // The check would see one that it has not
    expect((await readBy([...argsOf(agent), "--no-such"])).unknown).toEqual(["--no-such"]);
  });

  test("has a file that the agent takes, and that says where all of it goes", () => {
    const { identities, proxies } = parseTokenAgent(parse(textOf("agent.yaml")), folder);
    expect(identities).toMatchObject([
      {
        name: "orders",
        source: { kind: "clientSecret", clientId: "orders" },
        request: { refreshTtlMs: 720 * 3_600_000 },
        sinks: [
          { path: "/run/keyturn-agent/orders", format: "token", mode: 0o640 },
          { path: "/run/keyturn-agent/orders.header", format: "header", mode: 0o640 },
        ],
      },
    ]);
    expect(proxies).toMatchObject([{ listen: { port: 8082 }, identity: "orders" }]);
    expect(argsOf("orders.service")).toContain("--api=http://127.0.0.1:8082");
    expect(textOf("orders-report.service")).toContain("@/run/keyturn-agent/orders.header ");
  });

  test("waits with what comes after it for a file that the agent writes", () => {
    const [, file = ""] = /\[ -s (\S+) \]/.exec(valuesOf(agent, "ExecStartPost")[0] ?? "") ?? [];
    expect(file).not.toBe("");
    expect(textOf("agent.yaml")).toContain(`path: ${file}\n`);
    for (const unit of units.filter((one) => one !== agent)) expect(valuesOf(unit, "After")).toContain(agent);
  });

  test("hands over the credential under the name that the file has, and keeps tokens out of core dumps", () => {
    const [name = ""] = (valuesOf(agent, "LoadCredential")[0] ?? "").split(":");
    expect(textOf("agent.yaml")).toContain(`secretFile: /run/credentials/${agent}/${name}\n`);
    for (const unit of units) expect(valuesOf(unit, "LimitCORE")).toEqual(["0"]);
  });

  test("keeps what it stores where no other user comes, and shows tokens to its group", () => {
    expect(argsOf(agent)).toContain(`--state-dir=/var/lib/${valuesOf(agent, "StateDirectory")[0] ?? ""}`);
    expect(valuesOf(agent, "StateDirectoryMode")).toEqual(["0700"]);
    expect(valuesOf(agent, "RuntimeDirectoryMode")).toEqual(["0750"]);
    const written = [...textOf("agent.yaml").matchAll(/path: (\S+)/g)].map(([, path = ""]) => path);
    const runtime = `/run/${valuesOf(agent, "RuntimeDirectory")[0] ?? ""}/`;
    expect(written.filter((path) => !path.startsWith(runtime))).toEqual([]);
    const [group = ""] = valuesOf(agent, "Group");
    expect(textOf("keyturn-agent.conf")).toContain(`\nu ${group} `);
    expect(valuesOf("orders-report.service", "SupplementaryGroups")).toEqual([group]);
  });
});

const exec = promisify(execFile);
const hasSystemd = await exec("systemd-analyze", ["--version"]).then(
  () => true,
  () => false,
);

/** The units, with a program in place of those that are not on this machine. */
async function analyzed<Result>(use: (paths: readonly string[]) => Promise<Result>): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-units-"));
  try {
    const paths = await Promise.all(
      units.map(async (unit) => {
        const path = join(dir, basename(unit));
        await writeFile(path, textOf(unit).replaceAll(/^ExecStart=\S+/gm, "ExecStart=/bin/true"));
        return path;
      }),
    );
    return await use(paths);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

describe("systemd itself", () => {
  test("takes every unit without a remark", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const { stdout, stderr } = await analyzed((paths) => exec("systemd-analyze", ["verify", ...paths]));
    expect(`${stdout}${stderr}`).toBe("");
  });

  test("finds the agent well fenced in", async (context) => {
    if (!hasSystemd) context.skip("there is no systemd-analyze here");
    const flags = ["security", "--offline=true", "--threshold=20"];
    await analyzed((paths) => exec("systemd-analyze", [...flags, ...paths.filter((path) => path.endsWith(agent))]));
  });
});
