import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { clusterNeeds, startCluster } from "../../hack/testcluster/cluster.ts";
import { connectionOf, kubeConfigOf, kubeConfigText } from "../../hack/testcluster/connection.ts";
import { type Found, type Rung, rungs } from "../../hack/testcluster/ladder.ts";

const found: Found = {
  connection: { server: "https://found.test" },
  kubeConfigFile: "kubeconfig",
  hasControllers: true,
  startControllers: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};

const way = (name: string, more: Partial<Rung> = {}): Rung => ({
  name,
  wasAskedFor: false,
  missing: async () => undefined,
  start: async () => found,
  ...more,
});
const absent = (name: string): Rung => way(name, { missing: async () => `install ${name}` });
const broken = (name: string, wasAskedFor: boolean): Rung =>
  way(name, { wasAskedFor, start: () => Promise.reject(new Error(`${name} is broken`)) });

async function climb(...ways: Rung[]): Promise<{ by: string; said: string[] }> {
  const said: string[] = [];
  const { by } = await startCluster({ ways, say: (line) => said.push(line.trim()) });
  return { by, said };
}

describe("startCluster", () => {
  it("takes the first way that is there, and says why the ones before are not", async () => {
    expect(await climb(absent("a"), way("b"), way("c"))).toEqual({
      by: "b",
      said: ["✗ a: install a", "✓ b: https://found.test"],
    });
  });

  it("goes on to the next way when one fails that nobody asked for", async () => {
    expect(await climb(broken("a", false), way("b"))).toEqual({
      by: "b",
      said: ["✗ a: a is broken", "✓ b: https://found.test"],
    });
  });

  it("fails when a way was asked for and does not work, though others would", async () => {
    await expect(climb(broken("a", true), way("b"))).rejects.toThrow(/^a is broken$/);
  });

  it("fails without any way, and says what to install", async () => {
    await expect(climb(absent("a"), broken("b", false))).rejects.toThrow(
      "Cannot start a cluster: one of these ways must work\n  ✗ a: install a\n  ✗ b: b is broken",
    );
  });

  it("stops what it started when the manifests can't be applied", async () => {
    const stopped: unknown[] = [];
    const stop: Found["stop"] = async (options) => void stopped.push(options);
    const started = way("a", { start: async () => ({ ...found, stop }) });
    await expect(startCluster({ ways: [started], manifests: ["/no/such/folder"] })).rejects.toThrow("ENOENT");
    expect(stopped).toEqual([{ keepLogs: true }]);
  });
});

describe("clusterNeeds", () => {
  it("has nothing to say when one way is there", async () => {
    expect(await clusterNeeds([absent("a"), way("b")])).toBeUndefined();
  });

  it("names each way and what it takes when there is none", async () => {
    expect(await clusterNeeds([absent("a"), absent("b")])).toBe("no way to an API server: a: install a · b: install b");
  });
});

describe("rungs", () => {
  it("has what was asked for first, then what can be built, then what must be pulled", () => {
    const names = rungs({}).map(({ name, wasAskedFor }) => [name, wasAskedFor]);
    expect(names).toEqual([
      ["KEYTURN_TEST_KUBECONFIG", true],
      ["KUBEBUILDER_ASSETS", true],
      ["the Go-built binary", false],
      ["k3s in Docker", false],
    ]);
  });

  it("fails for assets that lack a program", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-assets-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await expect(startCluster({ ways: rungs({ KUBEBUILDER_ASSETS: folder }) })).rejects.toThrow(
      `Cannot use KUBEBUILDER_ASSETS="${folder}": must have etcd`,
    );
  });
});

describe("connectionOf", () => {
  const connection = { server: "https://a.test", ca: "CA", token: "t" };

  it("reads what kubeConfigText wrote", async () => {
    expect(await connectionOf(kubeConfigText(connection), ".")).toEqual(connection);
    const byCertificate = { server: "https://a.test", ca: "CA", cert: "CERT", key: "KEY" };
    expect(await connectionOf(kubeConfigText(byCertificate), ".")).toEqual(byCertificate);
  });

  it("reads files that stand beside the kubeconfig", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-kubeconfig-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "ca.crt"), "CA");
    const config = kubeConfigOf(connection);
    const clusters = [
      { name: "keyturn-test", cluster: { server: "https://a.test", "certificate-authority": "ca.crt" } },
    ];
    expect(await connectionOf(JSON.stringify({ ...config, clusters }), folder)).toEqual(connection);
  });

  it.each([
    ["no current context", { "current-context": "other" }, "its current context must name a context that it has"],
    ["no such cluster", { clusters: [] }, "its current context must name a cluster that it has"],
    [
      "an exec plugin",
      { users: [{ name: "keyturn-test", user: { exec: {} } }] },
      "must have a token or a client certificate",
    ],
  ])("refuses %s", async (_, change, words) => {
    await expect(connectionOf(JSON.stringify({ ...kubeConfigOf(connection), ...change }), ".")).rejects.toThrow(words);
  });
});
