import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { complaintAbout } from "../../src/cli/node-version.ts";

vi.setConfig({ testTimeout: 60_000 });

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

describe("complaintAbout", () => {
  test.each(["22.18.0", "22.19.1", "23.0.0", "24.11.1", "100.0.0"])("has nothing to say of %s", (version) => {
    expect(complaintAbout(version)).toBeUndefined();
  });

  test.each(["22.17.9", "22.9.0", "20.20.2", "18.19.1", "0.12.18"])("refuses %s in one line", (version) => {
    expect(complaintAbout(version)).toBe(`keyturn: error: Cannot run on Node.js ${version}: must be 22.18 or newer\n`);
  });

  test("draws the line where package.json does", async () => {
    const { engines } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { engines: { node: string } };
    expect(engines.node).toBe(">=22.18");
  });
});

/** The entry as the package has it, beside a program that no Node.js could load. */
async function entry(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-entry-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  for (const name of ["main", "node-version"]) {
    const source = await readFile(join(root, `src/cli/${name}.ts`), "utf8");
    await writeFile(join(dir, `${name}.js`), stripTypeScriptTypes(source).replaceAll('.ts"', '.js"'));
  }
  await writeFile(join(dir, "process.js"), "import nothing from 'node:nothing'; await using of newer than new;");
  return join(dir, "main.js");
}

/** The start of the bundle, without a bundle. */
async function bundled(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keyturn-entry-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, "bundle"));
  const outfile = join(dir, "bundle/keyturn.cjs");
  await build({
    ...{ entryPoints: [join(root, "hack/bundle/start.ts")], outfile, bundle: true, format: "cjs", platform: "node" },
    ...{ target: "node24", minify: true, define: { KEYTURN_PROGRAMS: '{"all":"gone.cjs","gateway":"gone.cjs"}' } },
  });
  return outfile;
}

const outcome = async (node: string, args: readonly string[]) =>
  run(node, args).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    },
  );

/** What a Node.js of another version would find. */
const pretending = (version: string): string =>
  `--import=data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`;

async function oldNode(): Promise<{ path: string; version: string } | undefined> {
  for (const folder of ["/usr/bin", "/usr/local/bin", ...(process.env["PATH"] ?? "").split(delimiter)]) {
    const path = join(folder, "node");
    const version = await run(path, ["--version"]).then(
      ({ stdout }) => stdout.trim().slice(1),
      () => undefined,
    );
    if (version !== undefined && complaintAbout(version) !== undefined) return { path, version };
  }
  return undefined;
}

describe.each([
  ["of the package", entry],
  ["of the bundle", bundled],
])("the entry %s", (_, made) => {
  test("says one line and ends with 1 on a Node.js that says that it is old", async () => {
    expect(await outcome(process.execPath, [pretending("20.11.0"), await made(), "status"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "keyturn: error: Cannot run on Node.js 20.11.0: must be 22.18 or newer\n",
    });
  });

  test("says so on a Node.js that is old", async (context) => {
    const node = await oldNode();
    if (node === undefined) return context.skip("no old Node.js on this machine");
    expect(await outcome(node.path, [await made(), "status"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `keyturn: error: Cannot run on Node.js ${node.version}: must be 22.18 or newer\n`,
    });
  });
});
