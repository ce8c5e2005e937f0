import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { krewFiles } from "../../hack/krew.ts";
import { root } from "../../hack/run.ts";

const folder = join(root, ".github/workflows");
const files = globSync("*.yml", { cwd: folder });
const textOf = (file: string): string => readFileSync(join(folder, file), "utf8");

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly needs?: string; readonly steps?: readonly { readonly run?: string }[] }>
  >;
}

/** The commands of each job, as one text. */
function commandsOf(file: string): ReadonlyMap<string, string> {
  const { jobs } = parse(textOf(file)) as Workflow;
  const runs = Object.entries(jobs).map(([name, { steps = [] }]) => [
    name,
    steps.map(({ run = "" }) => run).join("\n"),
  ]);
  return new Map(runs as [string, string][]);
}

describe.each(files)("%s", (file) => {
  const commands = [...commandsOf(file).values()].join("\n");

  test("runs scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...commands.matchAll(/\bnode (hack\/\S+\.ts)/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const asked = [...commands.matchAll(/\bnpm run (\S+)/g)].map(([, name = ""]) => name);
    expect(asked.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test("a release makes all that is for a release: packages, image, charts, and the plugin for krew", () => {
  const commands = [...commandsOf("release.yml").values()].join("\n");
  for (const script of ["hack/native-packages.ts", "hack/krew.ts"]) expect(commands).toContain(`node ${script}`);
  for (const chart of globSync("charts/*", { cwd: root })) expect(commands).toContain(chart.replace(/^charts\//, ""));
  for (const command of ["npm publish ./dist/client", "npm run bundle"]) expect(commands).toContain(command);
});

test("krew's manifest names the address at which the release has the archive", () => {
  const krew = commandsOf("release.yml").get("krew") ?? "";
  const release = "https://github.com/$GITHUB_REPOSITORY/releases/download/$GITHUB_REF_NAME";
  expect(krew).toContain(`node hack/krew.ts "${release}/${krewFiles.archive}"`);
  for (const name of Object.values(krewFiles)) expect(krew).toContain(`dist/krew/${name}`);
  const docs = readFileSync(join(root, "docs/operations.md"), "utf8");
  expect(docs).toContain(`/releases/latest/download/${krewFiles.manifest}`);
});
