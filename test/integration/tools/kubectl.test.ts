import { execFile } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";
import { root } from "../../../hack/run.ts";
import { makeRotation, makeScene, startController } from "../controller/support/scene.ts";
import { hasKubectl } from "../support/scene.ts";
import { makeFolder } from "./support/person.ts";

const scene = await makeScene("kubectl");

/** A folder with `kubectl-keyturn` in it, which is the program by a link, as npm makes one. */
async function pluginFolder(): Promise<string> {
  const dir = await makeFolder();
  await mkdir(join(dir, "linked"));
  await symlink(join(root, "src/cli/main.ts"), join(dir, "linked/kubectl-keyturn"));
  const plugin = join(dir, "kubectl-keyturn");
  // The sources need not be executable, and kubectl asks for that
  await writeFile(plugin, `#!/bin/sh\nexec "${process.execPath}" "${dir}/linked/kubectl-keyturn" "$@"\n`);
  await chmod(plugin, 0o755);
  return dir;
}

it("kubectl keyturn is the same tool, under that name, with the kubeconfig of kubectl", async (context) => {
  if (!hasKubectl) context.skip("no kubectl");
  startController(scene);
  await (await makeRotation(scene.namespace, "gateway")).ready();
  const dir = await pluginFolder();
  const [program = "kubectl", ...first] = inject("cluster").kubectl ?? [];
  const env = {
    ...process.env,
    PATH: `${dir}${delimiter}${process.env["PATH"] ?? ""}`,
    KUBECONFIG: inject("cluster").kubeConfigFile,
  };
  const call = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(program, [...first, "keyturn", ...args], { env })).stdout;
  expect(await call("status", "-n", scene.namespace)).toContain(`${scene.namespace}/gateway  context keyturn-test`);
  const help = await call("rotate", "--help");
  expect(help).toContain("Usage: kubectl keyturn rotate");
  expect(help).toContain("  kubectl keyturn rotate gateway -n shop --wait");
});
