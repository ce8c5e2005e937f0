import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../hack/run.ts";

const run = promisify(execFile);
const entry = join(root, "src/cli/main.ts");

/** What the program says that the last of these words may become. */
async function completions(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [entry, "complete", "--", ...words]);
  const lines = stdout.trimEnd().split("\n");
  // Of cobra's directives: no names of files
  expect(lines.pop()).toBe(":4");
  return lines.map((line) => line.split("\t")[0] ?? "");
}

describe("complete", () => {
  test.each<[words: readonly string[], fits: readonly string[]]>([
    [["ro"], ["rotate", "rollback"]],
    [
      ["grants", ""],
      ["list", "show", "revoke", "backup"],
    ],
    [["token", "m"], ["mint"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["status", "--out"], ["--output"]],
    [["status", "--output", "y"], ["yaml"]],
    [["status", "--output=j"], ["json"]],
    [["nothing", "x"], []],
    [["complet"], ["completion"]],
    [["help", "t"], ["tokens"]],
    [
      ["status", "--as"],
      ["--as", "--as-group", "--as-uid"],
    ],
    [["status", "--sel"], ["--selector"]],
    [["status", "-o", "n"], ["name"]],
    [["--names"], ["--namespace"]],
    [["-n", "shop", "--as", "anna", "stat"], ["status"]],
    [["-n", "shop", "status", "--wat"], ["--watch"]],
  ])("%j", async (words, fits) => {
    expect(await completions(...words)).toEqual(fits);
  });

  test("knows every command of the help", async () => {
    const { stdout } = await run(process.execPath, [entry, "--help"]);
    const named = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(12);
    for (const name of await completions("")) expect(named).toContain(name);
    expect(named).not.toContain("complete");
  });
});

describe("completion", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-completion-"));
    await writeFile(join(folder, "keyturn"), `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
    await chmod(join(folder, "keyturn"), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("bash completes by its script", async () => {
    const script = [
      // As the package bash-completion has it
      '_get_comp_words_by_ref() { cur="${COMP_WORDS[COMP_CWORD]}"; words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; }',
      "source <(keyturn completion bash)",
      "COMP_WORDS=(keyturn grants l); COMP_CWORD=2",
      "compopt() { :; }",
      '"$(complete -p keyturn | sed "s/.*-F \\([^ ]*\\).*/\\1/")"',
      'echo "${COMPREPLY[@]}"',
    ].join("\n");
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}` };
    expect((await run("bash", ["-c", script], { env })).stdout).toBe("list\n");
  });

  test.each(["zsh", "fish"])("has a script for %s, which asks the program", async (shell) => {
    const { stdout } = await run(process.execPath, [entry, "completion", shell]);
    expect(stdout).toMatch(/keyturn complete --/);
  });

  test("refuses a shell that it does not know", async () => {
    const refused = run(process.execPath, [entry, "completion", "tcsh"]);
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("bash, zsh, fish") as unknown,
    });
  });
});
