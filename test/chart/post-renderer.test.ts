import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { root } from "../../hack/run.ts";
import type { HelmMajor } from "../../hack/helm.ts";
import { type HelmRun, type Rendered, runHelm } from "./support/render.ts";

const page = await readFile(join(root, "docs/sidecar.md"), "utf8");

/** The lines for a shell that the page shows of post-renderers, as words: Helm 3's, and the two of Helm 4. */
const [three = [], install = [], four = []] = [
  ...page
    .slice(page.indexOf("### Helm, with charts of others"), page.indexOf("### OpenShift"))
    .matchAll(/^```sh\n(.*?)^```/gms),
]
  .flatMap(([, text = ""]) =>
    text
      .replaceAll(/\\\n +/g, "")
      .trim()
      .split("\n"),
  )
  .map((line) => line.split(" ").slice(1));

const deployment = (name: string, more = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
${more}spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: registry.example/${name}}]}
`;

let home = "";
let env: Readonly<Record<string, string>> = {};

/** A chart of somebody else, and the program where Helm finds it. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "keyturn-post-renderer-"));
  await mkdir(join(home, "orders/templates"), { recursive: true });
  const files = {
    "orders/Chart.yaml": "apiVersion: v2\nname: orders\nversion: 1.0.0\n",
    "orders/templates/a.yaml": deployment("orders"),
    "orders/templates/b.yaml": deployment("other", "  annotations: {keyturn.dev/inject: disabled}\n"),
    "orders/templates/hook.yaml": deployment("first", "  annotations: {helm.sh/hook: pre-install}\n"),
    "orders/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: '0400'}\n",
    keyturn: `#!/bin/sh\nexec '${process.execPath}' '${join(root, "src/cli/main.ts")}' "$@"\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
  await chmod(join(home, "keyturn"), 0o755);
  env = { PATH: `${home}:${process.env["PATH"] ?? ""}`, HELM_DATA_HOME: join(home, "data") };
});

afterAll(() => rm(home, { recursive: true, force: true }));

/** The line of the page without a cluster. */
function rendered(words: readonly string[], major: HelmMajor, ...more: readonly string[]): Promise<HelmRun> {
  const args = words.flatMap((word) => {
    if (word === "upgrade") return ["template"];
    if (word === "--install") return [];
    return [word === "./orders" ? join(home, "orders") : word];
  });
  return runHelm([...args, ...more], { major, env });
}

function objectsIn({ code, out, err }: HelmRun): readonly Rendered[] {
  if (code !== 0) throw new Error(err);
  return parseAllDocuments(out)
    .map((document) => document.toJS() as Rendered | null)
    .filter((one) => one !== null);
}

const shown = (objects: readonly Rendered[]): readonly string[] =>
  objects
    .map((one) => `${one.kind} ${one.metadata.name}${JSON.stringify(one).includes('"initContainers":[{') ? " +" : ""}`)
    .toSorted();

const all = [
  ...["ConfigMap settings", "Deployment orders +", "Deployment other", "Role orders-keyturn-orders"],
  ...["RoleBinding orders-keyturn-orders", "ServiceAccount orders-keyturn"],
];
const withHook = [...all, "Deployment first"].toSorted();

describe("keyturn inject as a post-renderer", () => {
  it("is run by Helm 3", async () => {
    const objects = objectsIn(await rendered(three, 3));
    expect(shown(objects)).toEqual(withHook);
    expect(objects.find(({ kind }) => kind === "ConfigMap")?.data).toEqual({ mode: "0400" });
    expect(objects.find(({ kind }) => kind === "RoleBinding")?.subjects).toEqual([
      { kind: "ServiceAccount", name: "orders-keyturn", namespace: "shop" },
    ]);
  });

  it("is run by Helm 4, by the plugin of the examples", async () => {
    const path = install.map((word) => (word.startsWith("examples/") ? join(root, word) : word));
    expect(await runHelm(path, { env })).toMatchObject({ code: 0 });
    expect(shown(objectsIn(await rendered(four, 4)))).toEqual(withHook);
  });

  it("fails the command with what is wrong", async () => {
    const { code, err } = await rendered(three, 3, "--post-renderer-args=--port=80");
    expect(code).not.toBe(0);
    expect(err).toContain('Cannot use --port "80"');
  });
});

it("keyturn inject is a transformer of kustomize, by the two files that the page shows", async (context) => {
  const kustomize = inject("kustomize");
  if (kustomize === "") context.skip("no kustomize, and no Go to build it with");
  const kustomization = "namespace: shop\nresources: [a.yaml, b.yaml, c.yaml]\ntransformers: [keyturn.yaml]\n";
  const folder = join(home, "orders/templates");
  await writeFile(join(folder, "kustomization.yaml"), kustomization);
  for (const name of ["keyturn.sh", "keyturn.yaml"]) {
    const [, text = ""] = new RegExp(`^\`\`\`\\w+\\n((?:#![^\\n]*\\n)?# ${name}.*?)^\`\`\``, "ms").exec(page) ?? [];
    await writeFile(join(folder, name), text, { mode: 0o755 });
  }
  const [command = ""] = /kustomize build (?:--[a-z-]+ ?)+/.exec(page) ?? [];
  const { stdout } = await promisify(execFile)(kustomize, [...command.trim().split(" ").slice(1), folder], {
    env: { ...process.env, ...env },
  });
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered);
  expect(shown(objects)).toEqual(all);
  expect(objects.every(({ metadata }) => metadata.namespace === "shop")).toBe(true);
  expect(stdout).toContain("--mint-listen=127.0.0.1:8081\n");
});
