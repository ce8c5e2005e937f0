import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { krewArchive, krewManifest, krewNeeds, krewPrograms } from "../../hack/krew.ts";
import { root } from "../../hack/run.ts";
import { bundled } from "./support/bundled.ts";

const run = promisify(execFile);

test("krew takes the manifest, and installs the plugin from its archive, which runs under kubectl's name", async ({
  skip,
}) => {
  const missing = krewNeeds();
  if (missing !== undefined) skip(missing);
  const { krew, validate } = await krewPrograms(console.error);
  const folder = await bundled();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const [archive, manifest] = [join(folder, "kubectl-keyturn.tar.gz"), join(folder, "keyturn.yaml")];
  const sha256 = await krewArchive(join(folder, "app"), archive);
  await writeFile(manifest, krewManifest({ version, uri: "https://example.com/kubectl-keyturn.tar.gz", sha256 }));
  const checked = await run(validate, ["-manifest", manifest, "-skip-install"]);
  expect(checked.stderr).toContain("structural validation OK");
  const env = { HOME: folder, KREW_ROOT: join(folder, "krew"), PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  await run(krew, ["install", "--manifest", manifest, "--archive", archive], { env });
  const plugin = join(folder, "krew/bin/kubectl-keyturn");
  expect((await run(plugin, ["version"], { env })).stdout).toContain(`keyturn ${version} `);
  expect((await run(plugin, ["status", "--help"], { env })).stdout).toContain("Usage: kubectl keyturn status");
});
