import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { beforeAll, describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { root } from "../../hack/run.ts";
import { KubeClient } from "../../hack/testcluster/client.ts";
import { startCluster } from "../../hack/testcluster/cluster.ts";
import type { Connection } from "../../hack/testcluster/connection.ts";
import { rungs } from "../../hack/testcluster/ladder.ts";

const shared = inject("cluster");
const [binary] = shared.kubectl ?? [];
const isBuilt = shared.by === "the Go-built binary" && binary !== undefined;
const notBuilt = "the cluster was not built from go.mod, so its programs are not at hand";

/** A folder such as `setup-envtest` makes, with the binary under the names that it also answers to. */
async function makeAssets(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-assets-"));
  for (const name of ["etcd", "kube-apiserver", "kubectl"]) await symlink(binary ?? "", join(folder, name));
  return folder;
}

async function isReady(connection: Connection): Promise<boolean> {
  const client = new KubeClient(connection);
  const answer = await client.text("GET", "/readyz").catch(() => "");
  client.close();
  return answer === "ok";
}

describe("KEYTURN_TEST_KUBECONFIG", () => {
  it("leads to a cluster that outlives its use", async () => {
    const ways = rungs({ KEYTURN_TEST_KUBECONFIG: shared.kubeConfigFile });
    const cluster = await startCluster({ ways });
    expect(cluster).toMatchObject({
      by: "KEYTURN_TEST_KUBECONFIG",
      connection: shared.connection,
      hasControllers: true,
    });
    await cluster.stop();
    expect(await isReady(cluster.connection)).toBe(true);
  });
});

describe("KUBEBUILDER_ASSETS", () => {
  it("leads to a cluster without controllers, of which nothing is left", async (context) => {
    if (!isBuilt) context.skip(notBuilt);
    const assets = await makeAssets();
    onTestFinished(() => rm(assets, { recursive: true }));
    const cluster = await startCluster({ ways: rungs({ KUBEBUILDER_ASSETS: assets }) });
    expect(cluster).toMatchObject({
      by: "KUBEBUILDER_ASSETS",
      hasControllers: false,
      kubectl: [join(assets, "kubectl")],
    });
    expect(await isReady(cluster.connection)).toBe(true);
    await cluster.stop();
    expect(await isReady(cluster.connection)).toBe(false);
    expect(existsSync(dirname(cluster.kubeConfigFile))).toBe(false);
  });
});

describe("a cluster", () => {
  it("ends with the process that started it, even when that is killed", async (context) => {
    if (!isBuilt) context.skip(notBuilt);
    const holder = spawn(process.execPath, [join(import.meta.dirname, "support/hold.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: holder.stdout }), "line")) as [string];
    const { connection, kubeConfigFile } = JSON.parse(line) as { connection: Connection; kubeConfigFile: string };
    expect(await isReady(connection)).toBe(true);
    holder.kill("SIGKILL");
    const options = { timeout: 120_000, interval: 50 };
    await vi.waitFor(() => expect(existsSync(dirname(kubeConfigFile))).toBe(false), options);
    expect(await isReady(connection)).toBe(false);
  });

  it("leaves its logs, and only these, when it is stopped after a failure", async (context) => {
    if (!isBuilt) context.skip(notBuilt);
    const cluster = await startCluster();
    const logs = cluster.logs ?? "";
    onTestFinished(() => rm(dirname(logs), { recursive: true }));
    await cluster.stop({ keepLogs: true });
    expect(
      ["etcd", "kube-apiserver", "kube-controller-manager"].map((name) => existsSync(join(logs, `${name}.log`))),
    ).toEqual([true, true, true]);
    expect(["etcd", "pki", "kubeconfig"].map((name) => existsSync(join(dirname(logs), name)))).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("npm run cluster", () => {
  const environment: Record<string, string> = {};

  beforeAll(async () => {
    if (!isBuilt) return undefined;
    const [assets, cache] = [await makeAssets(), await mkdtemp(join(tmpdir(), "keyturn-cache-"))];
    Object.assign(environment, { KUBEBUILDER_ASSETS: assets, XDG_CACHE_HOME: cache, KEYTURN_TEST_KUBECONFIG: "" });
    return async () => {
      for (const folder of [assets, cache]) await rm(folder, { recursive: true });
    };
  });

  /** Exit code and output. */
  async function cluster(...args: string[]): Promise<[code: unknown, output: string]> {
    const env = { ...process.env, ...environment };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [join(root, "hack/cluster.ts"), ...args], { env });
      return [0, stdout];
    } catch (error) {
      const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
      return [code, stdout + stderr];
    }
  }

  it("brings a cluster with our resources up, shows it, and takes it down", async (context) => {
    if (!isBuilt) context.skip(notBuilt);
    const [code, output] = await cluster("up");
    expect([code, output]).toEqual([0, expect.stringContaining("export KUBECONFIG=")]);
    onTestFinished(async () => {
      await cluster("down");
    });
    expect(await cluster("kubeconfig")).toEqual([0, expect.stringContaining("current-context: keyturn-test")]);
    expect(await cluster("kubectl", "get", "jkr", "-A", "-o", "name")).toEqual([0, ""]);
    expect((await cluster("kubectl", "get", "no-such-thing"))[0]).toBe(1);
    expect(await cluster("up")).toEqual([0, expect.stringContaining("export KUBECONFIG=")]);
    expect(await cluster("down")).toEqual([0, "The cluster is down\n"]);
    expect(await cluster("down")).toEqual([0, "No cluster is up\n"]);
    expect(await cluster("kubeconfig")).toEqual([1, "No cluster is up: npm run cluster -- up\n"]);
  });

  it("says its commands when it gets none", async () => {
    expect(await cluster()).toEqual([2, expect.stringContaining("npm run cluster -- <command>")]);
  });
});
