import { resolve } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type OrderFlags, ordersOf } from "../../src/cli/agent-flags.ts";
import { UsageError } from "../../src/cli/report-error.ts";
import { FakeCli } from "./around.ts";

beforeAll(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});

const issuer = "https://issuer.example";
const url = new URL(issuer);

describe("ordersOf", () => {
  test("is the file, which is not read yet", async () =>
    expect(await ordersOf({ config: "agent.yaml" })).toEqual({ kind: "file", path: "agent.yaml" }));

  test("is one identity by flags, with the defaults of the file, and paths from where one stands", async () =>
    expect(await ordersOf({ issuer, tokenFile: "token" })).toEqual({
      kind: "fixed",
      spec: {
        issuer: { url },
        identities: [
          {
            name: "default",
            source: { kind: "tokenFile", issuer: { url }, path: resolve("token") },
            request: { audiences: [], scopes: [] },
            keep: "always",
            sinks: [],
          },
        ],
        proxies: [],
        sockets: [],
      },
    }));

  test("has every flag in its place", async () => {
    const flags: Required<
      Omit<OrderFlags, "config" | "tokenFile" | "refreshTokenFile" | "mintSocket" | "mintSubject">
    > = {
      ...{ name: "reports", issuer: "http://issuer.example", caFile: "/ca.crt", plainHttp: true },
      ...{ clientId: "reports", clientSecretFile: "/secret" },
      ...{ audiences: ["api", "admin"], scopes: ["read"], accessTtl: "15m", refreshTtl: "12h", keep: "always" },
      ...{ sinkFile: "/t", sinkFormat: "json", sinkMode: "0640", sinkGroup: "www-data" },
      ...{ proxyListen: "unix:/p.sock", upstream: "http://api.example", upstreamCaFile: "/up.crt" },
      proxyAuthorization: "replace",
    };
    const endpoint = { url: new URL(flags.issuer), caFile: "/ca.crt" };
    expect(await ordersOf(flags)).toEqual({
      kind: "fixed",
      spec: {
        issuer: endpoint,
        identities: [
          {
            name: "reports",
            source: { kind: "clientSecret", issuer: endpoint, clientId: "reports", secretFile: "/secret" },
            request: { audiences: ["api", "admin"], scopes: ["read"], accessTtlMs: 900_000, refreshTtlMs: 43_200_000 },
            keep: "always",
            sinks: [{ kind: "file", path: "/t", format: "json", mode: 0o640, group: "www-data" }],
          },
        ],
        proxies: [
          {
            listen: { kind: "unix", path: "/p.sock" },
            upstream: new URL(flags.upstream),
            caFile: "/up.crt",
            identity: "reports",
            authorization: "replace",
          },
        ],
        sockets: [],
      },
    });
  });

  test.each<[flags: OrderFlags, source: object]>([
    [
      { issuer, refreshTokenFile: "/r" },
      { kind: "refreshTokenFile", path: "/r" },
    ],
    [
      { mintSocket: "/m", mintSubject: "alice" },
      { kind: "mintSocket", path: "/m", subject: "alice" },
    ],
  ])("tokens by %o", async (flags, source) =>
    expect(await ordersOf(flags)).toMatchObject({ spec: { identities: [{ source }] } }),
  );

  test("renewed on use", async () =>
    expect(await ordersOf({ issuer, tokenFile: "/t", keep: "on-use" })).toMatchObject({
      spec: { identities: [{ keep: "onUse" }] },
    }));

  const oneOf = "must have --config, or one of --token-file, --client-id, --refresh-token-file and --mint-socket";
  test.each<[flags: OrderFlags, problem: string]>([
    [{}, oneOf],
    [{ issuer }, oneOf],
    [{ issuer, tokenFile: "/t", clientId: "a" }, oneOf],
    [{ config: "f", tokenFile: "/t" }, "--config says all of it, must be without --token-file"],
    [{ config: "f", plainHttp: true }, "--config says all of it, must be without --plain-http"],
    [{ tokenFile: "/t" }, "--issuer must be set, is missing"],
    [{ caFile: "/c", tokenFile: "/t" }, "--issuer must be set, is missing"],
    [
      { issuer: "http://x.example", tokenFile: "/t" },
      "--issuer must be a URL of https, except on this machine, is another text",
    ],
    [
      { issuer, tokenFile: "" },
      '--token-file must be a text of 1 to 4096 characters without control characters, is ""',
    ],
    [{ issuer, clientId: "a" }, "--client-secret-file must be set, is missing"],
    [{ mintSocket: "/m" }, "--mint-subject must be set, is missing"],
    [
      { issuer, tokenFile: "/t", name: "A" },
      '--name must be 1 to 63 of a-z, 0-9 and -, a letter or digit first and last, is "A"',
    ],
    [
      { issuer, tokenFile: "/t", scopes: ["a b"] },
      '--scopes must be 1 to 255 characters of ASCII without spaces, " and \\, is "a b"',
    ],
    [
      { issuer, tokenFile: "/t", accessTtl: "1" },
      '--access-ttl must be whole seconds from 1s to 8760h, written as 1h30m, is "1"; it needs a unit: 1s, 1m or 1h',
    ],
    [{ issuer, tokenFile: "/t", sinkMode: "0640" }, "--sink-file must be set, is missing"],
    [
      { issuer, tokenFile: "/t", sinkFile: "/s", keep: "on-use" },
      '--keep must be Always where there are sinks, is "OnUse"',
    ],
    [{ issuer, tokenFile: "/t", upstream: "https://x" }, "--proxy-listen must be set, is missing"],
    [{ issuer, tokenFile: "/t", proxyListen: "127.0.0.1:1" }, "--upstream must be set, is missing"],
    [
      { issuer, tokenFile: "/t", proxyListen: "0.0.0.0:1", upstream: "https://x" },
      '--proxy-listen must be unix:/path, or a loopback address such as 127.0.0.1:8081, is "0.0.0.0:1"',
    ],
    [
      { name: "A", tokenFile: "/t" },
      '--issuer must be set, is missing\n--name must be 1 to 63 of a-z, 0-9 and -, a letter or digit first and last, is "A"',
    ],
  ])("refuses %o in words of flags", async (flags, problem) => {
    const error: unknown = await ordersOf(flags).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toHaveProperty("message", `Cannot run: ${problem}`);
  });
});

describe("keyturn agent", () => {
  const whole = ["--issuer", issuer, "--token-file", "/t"];
  test.each<[args: readonly string[], problem: string]>([
    [[], "Cannot run: must have --config, or one of --token-file, --client-id, --refresh-token-file and --mint-socket"],
    [
      [...whole, "--listen", "8080"],
      'Cannot use --listen "8080": must look like :8080, 127.0.0.1:8080 or unix:/path, or be off',
    ],
    [[...whole, "--admin-listen", "unix:/a"], "Cannot use --admin-listen: must be a TCP address"],
    [
      [...whole, "--ready-margin", "1"],
      'Cannot use --ready-margin "1": must look like 90m, 1h30m or 45s; it needs a unit: 1s, 1m or 1h',
    ],
    [[...whole, "--keep", "never"], 'Cannot use --keep "never": must be always, on-use'],
  ])("refuses %j", async (args, problem) => {
    const cli = new FakeCli();
    expect(await cli.run("agent", ...args)).toBe(2);
    expect(cli.io.err.text.split("\n")[0]).toBe(`keyturn: error: ${problem}`);
  });

  test("takes flags from the environment, under its own name", async () => {
    vi.stubEnv("KEYTURN_AGENT_TOKEN_FILE", "/t");
    const cli = new FakeCli();
    expect(await cli.run("agent", "--listen", "off")).toBe(2);
    expect(cli.io.err.text).toContain("--issuer must be set");
    vi.unstubAllEnvs();
  });
});
