import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listenAddress } from "../../src/cli/listen.ts";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("listenAddress", () => {
  it.each([
    [":9090", { kind: "tcp", port: 9090 }],
    ["127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
    ["[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["off", "off"],
  ])("reads %s", (text, address) => {
    expect(listenAddress(text, "--admin-listen")).toEqual(address);
  });

  it.each(["9090", ":", ":65536", "::1:9090", "a b", "http://x:1", ":99999999999", ""])("refuses %j", (text) => {
    expect(() => listenAddress(text, "--admin-listen")).toThrow(
      /^Cannot use --admin-listen ".*": must look like :9090 or 127\.0\.0\.1:9090, or be off$/,
    );
  });
});

describe("keyturn controller", () => {
  const refused: readonly (readonly [readonly string[], string])[] = [
    [["--namespace", "Shop"], 'Cannot use --namespace "Shop": must be the name of a namespace (a-z, 0-9 and -)'],
    [["-n", "shop", "-n", "a,,b"], 'Cannot use --namespace "": must be the name of a namespace (a-z, 0-9 and -)'],
    [["--workers", "0"], 'Cannot use --workers "0": must be a whole number from 1 to 64'],
    [["--kube-api-qps", "0"], 'Cannot use --kube-api-qps "0": must be a whole number from 1 to 100000'],
    [["--kube-api-burst", "x"], 'Cannot use --kube-api-burst "x": must be a whole number from 1 to 100000'],
    [["--workers", "65"], 'Cannot use --workers "65": must be a whole number from 1 to 64'],
    [["--admin-listen", "x"], 'Cannot use --admin-listen "x": must look like :9090 or 127.0.0.1:9090, or be off'],
  ];
  it.each(refused)("refuses %j, with exit code 2", async (args, message) => {
    const cli = new FakeCli();
    expect(await cli.run("controller", ...args)).toBe(2);
    expect(cli.io.err.text).toContain(message);
  });

  it("takes namespaces from the environment, too", async () => {
    vi.stubEnv("KEYTURN_CONTROLLER_NAMESPACE", "shop, Till");
    const cli = new FakeCli();
    expect(await cli.run("controller")).toBe(2);
    expect(cli.io.err.text).toContain('Cannot use --namespace "Till"');
  });

  it("says which kubeconfig it can't use, with exit code 1", async () => {
    const cli = new FakeCli();
    expect(await cli.run("controller", "--kubeconfig", "/nowhere/config", "--log-level", "silent")).toBe(1);
    expect(cli.io.err.text).toContain('Cannot use the kubeconfig "/nowhere/config": is not there');
  });
});
