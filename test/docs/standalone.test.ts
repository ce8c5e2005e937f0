import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { parseRotation } from "../../src/ring/resource/rotation.ts";

const root = join(import.meta.dirname, "../..");
const main = join(root, "src/cli/main.ts");
const exec = promisify(execFile);
const page = await readFile(join(root, "docs/standalone.md"), "utf8");

/** The blocks of a section, by their language. */
function blocksOf(heading: string, language: string): readonly string[] {
  const [, section = ""] = new RegExp(`^## ${heading}\n([^]*?)(?=^## )`, "m").exec(page) ?? [];
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "gm"))].map(([, text = ""]) => text);
}

/** The arguments of each `keyturn` in a block, without the remarks. */
const commandsIn = (block: string): readonly string[] =>
  block.split("\n").flatMap((line) => /^keyturn (.*?)(?: +#.*)?$/.exec(line)?.[1] ?? []);

test("the config of the page is one, and the one of examples/standalone", async () => {
  const [text = ""] = blocksOf("Start", "yaml");
  expect(parseRotation(parse(text)).ref.name).toBe("shop");
  expect(parse(text)).toEqual(parse(await readFile(join(root, "examples/standalone/rotation.yaml"), "utf8")));
});

test("every command to ask for something does it, in the order of the page", async () => {
  const parent = await mkdtemp(join(tmpdir(), "keyturn-page-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const dir = join(parent, "keys");
  const here = (command: string): string => command.replace("/var/lib/keyturn", dir);
  const start = blocksOf("Start", "sh").flatMap(commandsIn)[1] ?? "";
  expect(start).toContain("--issuer");
  // The page's half an hour is too long for a test
  const args = [...here(start).split(" "), "--propagation-minimum=1s"];
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "close");
  });
  for await (const line of createInterface({ input: child.stderr })) if (line.includes("keeps the keys in")) break;
  child.stderr.resume();
  const commands = blocksOf("Ask for something", "sh").flatMap(commandsIn);
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const kid = await readFile(join(dir, "signer/kid"), "utf8");
    const line = here(command).replace("<kid>", kid);
    // A shell takes the quotes away
    await expect(exec("/bin/sh", ["-c", `"$0" "$1" ${line}`, process.execPath, main]), command).resolves.toBeDefined();
  }
});
