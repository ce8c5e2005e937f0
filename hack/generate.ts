// Writes the files that are made from the program; with --check only says which of them are stale.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { format, getFileInfo, resolveConfig } from "prettier";
import { clientEntries, reportOf } from "./client/entries.ts";
import type { EntryTypes } from "./client/types.ts";
import { root } from "./run.ts";

interface GeneratedFile {
  /** Path from the repository's root. */
  readonly file: string;
  /** The whole content; its first line says that it is generated. Import what it needs inside, since others run without it. */
  readonly produce: () => Promise<string>;
}

const generatedFiles: readonly GeneratedFile[] = [
  {
    file: "docs/cli.md",
    produce: async () => (await import("../src/cli/docs.ts")).cliReference(),
  },
  {
    file: "crds/jwtkeyrotations.yaml",
    async produce() {
      const [{ yamlFile }, { rotationDefinition }] = [
        await import("./crds/yaml.ts"),
        await import("./crds/rotation.ts"),
      ];
      return yamlFile("hack/crds/rotation.ts", rotationDefinition);
    },
  },
  {
    file: "crds/keyringacks.yaml",
    async produce() {
      const [{ yamlFile }, { keyRingAckDefinition }] = [await import("./crds/yaml.ts"), await import("./crds/ack.ts")];
      return yamlFile("hack/crds/ack.ts", keyRingAckDefinition);
    },
  },
  {
    file: "docs/api/resources.md",
    produce: async () => (await import("./crds/reference.ts")).resourceReference(),
  },
  { file: "deploy/crds.yaml", produce: async () => (await import("./chart/templates.ts")).crdsFile() },
  {
    file: "charts/keyturn/templates/crds.yaml",
    produce: async () => (await import("./chart/templates.ts")).crdsTemplate(),
  },
  {
    file: "charts/keyturn/templates/admission-policies.yaml",
    produce: async () => (await import("./chart/templates.ts")).policiesTemplate(),
  },
  {
    file: "charts/keyturn/templates/_rules.tpl",
    produce: async () => (await import("./chart/templates.ts")).rulesTemplate(),
  },
  {
    file: "charts/keyturn/values.schema.json",
    produce: async () => (await import("./chart/values.ts")).valuesSchema(),
  },
  {
    file: "charts/keyturn/files/dashboard.json",
    produce: async () => (await import("./chart/dashboard.ts")).dashboard(),
  },
  { file: "charts/keyturn/README.md", produce: async () => (await import("./chart/values.ts")).chartReadme() },
  // One tsc for all of them
  ...clientEntries.map(({ file }) => ({ file: reportOf(file), produce: () => clientReport(file) })),
];

let ofTheClient: Promise<readonly EntryTypes[]> | undefined;

async function clientReport(wanted: string): Promise<string> {
  ofTheClient ??= import("./client/types.ts").then(({ clientTypes }) => clientTypes());
  return (await ofTheClient).find(({ file }) => file === wanted)?.report ?? "";
}

async function isStale({ file, produce }: GeneratedFile, write: boolean): Promise<boolean> {
  const path = join(root, file);
  const wanted = await formatted(path, await produce());
  const found = await readFile(path, "utf8").catch(() => undefined);
  if (found === wanted) return false;
  if (write) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, wanted);
  }
  return true;
}

/** As `prettier --write` would leave it, so that the format check and this one never disagree. */
async function formatted(path: string, text: string): Promise<string> {
  const { ignored, inferredParser } = await getFileInfo(path, { ignorePath: join(root, ".prettierignore") });
  if (ignored || inferredParser === null) return text;
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

const check = process.argv.includes("--check");
for (const generated of generatedFiles) {
  if (!(await isStale(generated, !check))) continue;
  if (check) process.exitCode = 1;
  console.log(check ? `${generated.file} is stale: run npm run generate` : `${generated.file} written`);
}
