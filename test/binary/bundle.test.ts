import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, run } from "../../hack/run.ts";
import { LineProcess } from "./support/line-process.ts";

let folder = "";

/** Somewhere without node_modules, as in the image. */
beforeAll(async () => {
  const { code, output } = await run(["node", "hack/bundle.ts"], { env: { KEYTURN_COMMIT: "0123456789ab" } });
  expect(output).toBe("");
  expect(code).toBe(0);
  folder = await mkdtemp(join(tmpdir(), "keyturn-bundle-"));
  await cp(join(root, "dist/bundle"), join(folder, "app"), { recursive: true });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (...args: readonly string[]): LineProcess =>
  new LineProcess(process.execPath, ["--disable-sigusr1", join(folder, "app/keyturn.cjs"), ...args]);

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec: {template: {spec: {containers: [{name: app, image: a}]}}}
`;

describe("the program of the image", () => {
  test("says its version and commit", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    const { stdout } = await start("version", "-o", "json").ended;
    expect(JSON.parse(stdout)).toMatchObject({ version, commit: "0123456789ab" });
    expect((await start("version").ended).stdout).toContain(`keyturn ${version} (commit 0123456789ab, Node.js v24.`);
  });

  test("has every part that it loads when it is asked for: YAML, text logs, gRPC, metrics, kubeconfigs", async () => {
    const dir = join(folder, "keys");
    const config = join(folder, "rotation.yaml");
    const spec = {
      tokens: { issuer: "https://issuer.example", audiences: ["api"] },
      rotation: { schedule: "0 3 1 * *" },
    };
    const rotation = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name: "a" }, spec };
    await writeFile(config, JSON.stringify(rotation));
    const any = ["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--grpc-listen=127.0.0.1:0"];
    const standalone = start("standalone", "--gateway", "--dir", dir, "--config", config, "--log-format=text", ...any);
    while (!standalone.output.stderr.includes("INFO: ready")) {
      expect(standalone.isRunning, standalone.output.stderr).toBe(true);
      await pause(50);
    }
    expect((await start("status", "--dir", dir, "-o", "yaml").ended).stdout).toContain("kind: JwtKeyRotation");
    expect(await standalone.end()).toMatchObject({ code: 0 });

    const manifest = join(folder, "deploy.yaml");
    await writeFile(manifest, deployment);
    expect((await start("inject", "-f", manifest, "--rotation", "a").ended).stdout).toContain("restartPolicy: Always");
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, "clusters: []");
    const { stderr } = await start("controller", "--kubeconfig", kubeconfig, "--context", "none").ended;
    expect(stderr).toMatch(/keyturn: error: .*none/);
  });

  test("starts a gateway from code that was compiled before, and from none or a wrong one as well", async () => {
    const app = join(folder, "compiled");
    await cp(join(root, "dist/bundle"), app, { recursive: true });
    /** What V8 says of the code: false where it took it, true where it did not, undefined where there is none. */
    const rejected = async (): Promise<unknown> => {
      const program = JSON.stringify(join(app, "keyturn.cjs"));
      const tell = `process.on("exit", () => console.log(JSON.stringify([require(${program}).script.cachedDataRejected])))`;
      const { stdout, stderr, code } = await new LineProcess(process.execPath, [
        "-e",
        `${tell}; process.argv = ["node", ${program}, "gateway", "--help"]; require(${program})`,
      ]).ended;
      expect({ stderr, code, help: stdout.includes("Usage: keyturn gateway") }).toEqual({
        stderr: "",
        code: 0,
        help: true,
      });
      return (JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as unknown[])[0];
    };
    expect(await rejected()).toBeNull();
    const compiled = await new LineProcess(process.execPath, [join(app, "compile.cjs")]).ended;
    expect(compiled).toMatchObject({ code: 0, stderr: "" });
    const path = compiled.stdout.trim();
    expect((await readdir(app)).map((name) => join(app, name))).toContain(path);
    expect(await rejected()).toBe(false);
    for (const wrong of ["", "no code", (await readFile(path)).subarray(0, 1000)]) {
      await writeFile(path, wrong);
      expect(await rejected()).not.toBe(false);
    }
  });

  test("brings the licences of all that is in it", async () => {
    const licences = await readFile(join(folder, "app/LICENSES"), "utf8");
    for (const name of ["keyturn", "commander", "pino", "prom-client", "yaml", "@grpc/grpc-js", "jose", "croner"]) {
      expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
    }
    expect(licences).not.toContain("(unknown)");
  });
});
