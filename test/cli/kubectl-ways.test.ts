import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeCli } from "./around.ts";

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

async function opened(...args: readonly string[]): Promise<object | string> {
  const cli = new FakeCli();
  const code = await cli.run(...args);
  return code === 0 ? (cli.opened[0] ?? {}) : cli.io.err.text;
}

describe("flags before the command", () => {
  test.each<[args: string, flags: object]>([
    ["-n shop status", { namespace: "shop" }],
    ["-nshop status", { namespace: "shop" }],
    ["--namespace=shop status", { namespace: "shop" }],
    ["--namespace shop --context dev status gateway", { namespace: "shop", context: "dev", rotation: "gateway" }],
    ["-n shop token verify a.b.c gateway", { namespace: "shop", rotation: "gateway" }],
    ["-d /keys status", { dir: "/keys" }],
    ["--as anna --as-group ops --as-group dev status", { as: "anna", asGroup: ["ops", "dev"] }],
    ["-n other status -n shop", { namespace: "shop" }],
  ])("%s", async (args, flags) => {
    const cli = new FakeCli();
    await cli.run(...args.split(" "));
    expect(cli.opened).toEqual([expect.objectContaining(flags)]);
  });

  test("those of a command alone are refused there, and a command that is none is named", async () => {
    expect(await opened("--watch", "status")).toContain('unknown option "--watch"');
    expect(await opened("-n", "shop", "stauts")).toContain('unknown command "stauts"');
    expect(await opened("-n", "shop")).toContain("a command is missing");
  });

  test("help and version are asked for as before", async () => {
    const cli = new FakeCli();
    expect(await cli.run("-n", "shop", "--help")).toBe(0);
    expect(await cli.run("--version")).toBe(0);
  });
});

describe("a rotation", () => {
  test.each([
    "gateway",
    "jkr/gateway",
    "JKR/gateway",
    "jwtkeyrotation/gateway",
    "jwtkeyrotations/gateway",
    "jwtkeyrotation.keyturn.dev/gateway",
    "jwtkeyrotations.v1alpha1.keyturn.dev/gateway",
  ])("may be named as kubectl names it: %s", async (name) => {
    expect(await opened("status", name)).toMatchObject({ rotation: "gateway" });
    expect(await opened("revoke", name, "--created-before", "now")).toMatchObject({ rotation: "gateway" });
  });

  test.each([
    [
      "shop/gateway",
      'Cannot use "shop/gateway": must be a name, alone or behind jkr/; for that of a namespace: gateway -n shop',
    ],
    ["jkr/", 'Cannot use "jkr/": must be a name, alone or behind jkr/'],
    ["jkr/a/b", 'Cannot use "jkr/a/b": must be a name, alone or behind jkr/'],
  ])("is refused as %s", async (name, error) => {
    expect(await opened("status", name)).toBe(`keyturn: error: ${error}\nkeyturn: hint: --help shows examples\n`);
  });
});

describe("flags of kubectl", () => {
  test.each<[args: string, flags: object]>([
    ["-s https://api.example:6443", { server: "https://api.example:6443" }],
    ["--server=http://127.0.0.1:8001", { server: "http://127.0.0.1:8001" }],
    ["--as-uid 7 --as anna", { as: "anna", asUid: "7" }],
    ["--request-timeout 30", { requestTimeout: 30_000 }],
    ["--request-timeout 1m", { requestTimeout: 60_000 }],
    ["--request-timeout 0", { requestTimeout: 0 }],
    ["-l team=shop,tier!=test", { selector: "team=shop,tier!=test" }],
  ])("%s", async (args, flags) => {
    expect(await opened("status", ...args.split(" "))).toMatchObject(flags);
  });

  test.each([
    ["--server api.example", 'Cannot use --server "api.example": must be a URL such as https://10.0.0.1:6443'],
    [
      "--request-timeout 1d",
      'Cannot use --request-timeout "1d": must look like 90m, 1h30m or 45s; there are no days: 1d is 24h',
    ],
    ["-o xml", 'Cannot use --output "xml": must be json, yaml, wide, name or jsonpath=TEMPLATE'],
    ["-o jsonpath={.a", 'Cannot use --output "jsonpath={.a": must close each brace'],
  ])("%s is refused", async (args, error) => {
    expect(await opened("status", ...args.split(" "))).toContain(`keyturn: error: ${error}\n`);
  });

  test("-o name and -o jsonpath", async () => {
    const named = new FakeCli();
    expect(await named.run("status", "-o", "name")).toBe(0);
    expect(named.io.out.text).toBe("jwtkeyrotation.keyturn.dev/gateway\n");
    const templated = new FakeCli();
    expect(await templated.run("status", "-o", "jsonpath={.metadata.name} {.status.keys[*].state}")).toBe(0);
    expect(templated.io.out.text).toBe("gateway Active Prepared");
  });
});
