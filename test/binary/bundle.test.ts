import { globSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageFlags } from "../../hack/docker/image-flags.ts";
import { nativeNeeds } from "../../hack/native.ts";
import { root } from "../../hack/run.ts";
import { nativeFile } from "../../src/native/load.ts";
import { bundled } from "./support/bundled.ts";
import { LineProcess } from "./support/line-process.ts";

let folder = "";

beforeAll(async () => {
  folder = await bundled();
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

/** Of a development dependency. */
function anotherAddon(): string {
  const [path] = globSync("node_modules/**/*.node", { cwd: root });
  if (path === undefined) throw new Error("Cannot test: node_modules must have an addon");
  return join(root, path);
}

describe("the program of the image", () => {
  test("says its version and commit", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    const { stdout } = await start("version", "-o", "json").ended;
    expect(JSON.parse(stdout)).toMatchObject({ version, commit: "0123456789ab" });
    expect((await start("version").ended).stdout).toContain(`keyturn ${version} (commit 0123456789ab, Node.js v24.`);
  });

  test.each(["sessions.proto", "hub.proto"])("has %s, as it is published", async (name) => {
    const path = join("proto/keyturn/sessions/v1", name);
    expect(await readFile(join(folder, "app", path), "utf8")).toBe(await readFile(join(root, path), "utf8"));
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
    const signatures = nativeNeeds() === undefined ? "native" : "node:crypto";
    expect(standalone.output.stderr).toContain(`signatures":"${signatures}"`);
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

  test.each<readonly [string, (app: string) => Promise<unknown>]>([
    ["are not there", (app) => rm(join(app, nativeFile()), { force: true })],
    ["are no library", (app) => writeFile(join(app, nativeFile()), "no library")],
    ["are another library's", (app) => copyFile(anotherAddon(), join(app, nativeFile()))],
  ])("goes on with node:crypto where the native signatures %s", async (_, spoil) => {
    const app = await mkdtemp(join(folder, "app-"));
    await cp(join(root, "dist/bundle"), app, { recursive: true });
    await spoil(app);
    const flags = [
      "--acks=off",
      `--mount=${join(folder, "nowhere")}`,
      "--listen=127.0.0.1:0",
      "--admin-listen=127.0.0.1:0",
    ];
    const refused = await new LineProcess(process.execPath, [
      ...[join(app, "keyturn.cjs"), "gateway", ...flags, "--signatures=native"],
    ]).ended;
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('Cannot use --signatures "native"');
    const gateway = new LineProcess(process.execPath, [join(app, "keyturn.cjs"), "gateway", ...flags]);
    while (!gateway.output.stderr.includes('"listening"')) {
      expect(gateway.isRunning, gateway.output.stderr).toBe(true);
      await pause(50);
    }
    expect(gateway.output.stderr).toContain('"signatures":"node:crypto"');
    expect(await gateway.end()).toMatchObject({ code: 0 });
  });

  describe("with code that was compiled before", () => {
    let app = "";
    let compiled: readonly string[] = [];

    beforeAll(async () => {
      app = join(folder, "compiled");
      await cp(join(root, "dist/bundle"), app, { recursive: true });
      const { code, stdout, stderr } = await new LineProcess(process.execPath, [join(app, "compile.cjs")]).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      compiled = stdout.trim().split("\n");
    });

    const commands = ["gateway", "controller"] as const;

    /** What V8 says of the code when Node.js has these flags: null where there is none. */
    async function rejected(command: "gateway" | "controller", ...flags: readonly string[]): Promise<unknown> {
      const program = JSON.stringify(join(app, "keyturn.cjs"));
      const tell = `console.log(JSON.stringify([require(${program}).script.cachedDataRejected]))`;
      const script = `process.on("exit", () => ${tell}); process.argv = ["node", ${program}, "${command}", "--help"]; require(${program})`;
      const { stdout, stderr, code } = await new LineProcess(process.execPath, [...flags, "-e", script]).ended;
      expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
      expect(stdout).toContain(`Usage: keyturn ${command}`);
      return (JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as unknown[])[0];
    }

    test.each(commands)("takes it for %s, also with the flags of the image and of the charts", async (command) => {
      const dockerfile = await readFile(join(root, "Dockerfile"), "utf8");
      const flags = await imageFlags();
      expect(flags).toContain("--no-parallel-scavenge");
      expect(dockerfile).toContain(`${flags.map((flag) => JSON.stringify(flag)).join(", ")}, "/app/compile.cjs"`);
      const ofCharts = ["--max-old-space-size=160", "--max-semi-space-size=2"];
      for (const each of [[], flags, [...flags, ...ofCharts]]) expect(await rejected(command, ...each)).toBe(false);
    });

    test.each(commands)("compiles anew what is not there, cut off, or no code at all of %s", async (command) => {
      const path = compiled.find((one) => basename(one).startsWith(command === "gateway" ? "gateway-" : "all-")) ?? "";
      const good = await readFile(path);
      for (const wrong of ["", "no code", good.subarray(0, 1000)]) {
        await writeFile(path, wrong);
        expect(await rejected(command)).toBe(true);
      }
      await rm(path);
      expect(await rejected(command)).toBeNull();
      await writeFile(path, good);
    });

    test("is ready with it, and says nothing on the way", async () => {
      const dir = join(folder, "ring");
      const standalone = start("standalone", "--dir", dir, "--issuer=https://issuer.example", "--audience=api");
      const flags = ["--log-format=text", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--acks=off"];
      const program = join(app, "keyturn.cjs");
      const gateway = new LineProcess(process.execPath, [
        program,
        "gateway",
        `--mount=${join(dir, "signer")}`,
        ...flags,
      ]);
      while (!gateway.output.stderr.includes("INFO: ready")) {
        expect(gateway.isRunning, gateway.output.stderr).toBe(true);
        await pause(50);
      }
      expect(gateway.output.stderr).not.toContain("Warning");
      for (const one of [gateway, standalone]) expect(await one.end()).toMatchObject({ code: 0 });
    });

    test("leaves nothing behind when it is interrupted while it compiles", async () => {
      const temporary = join(folder, "temporary");
      await mkdir(temporary);
      const child = new LineProcess("env", [`TMPDIR=${temporary}`, process.execPath, join(app, "compile.cjs")]);
      while ((await readdir(temporary)).length === 0) await pause(5);
      expect(await child.end("SIGINT")).toMatchObject({ code: 1 });
      expect(await readdir(temporary)).toEqual([]);
    });
  });

  test("brings the licences of all that is in it", async () => {
    const licences = await readFile(join(folder, "app/LICENSES"), "utf8");
    for (const name of ["keyturn", "commander", "pino", "prom-client", "yaml", "jose", "croner", "fastify", "pg"]) {
      expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
    }
    expect(licences).not.toContain("(unknown)");
  });
});
