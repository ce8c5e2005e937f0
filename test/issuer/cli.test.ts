import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { FakeCli } from "../cli/around.ts";
import { tempDir } from "../files/temp.ts";
import { fileWith } from "./support/token-issuers.ts";

async function says(...args: readonly string[]): Promise<readonly [number, string]> {
  const cli = new FakeCli();
  const code = await cli.run(...args);
  return [code, cli.io.err.text];
}

const firstLine = (text: string): string => text.split("\n")[0]?.replace("keyturn: error: ", "") ?? "";
const from = ["--dir", "/d", "--instance", "one"];
const hidden = "do-not-tell-anybody";

beforeAll(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("KEYTURN_")) vi.stubEnv(name, undefined);
});

describe("keyturn issuer", () => {
  test.each([
    [[...from, "--store", "sqlite:/g"], "Cannot run: must have --config"],
    [[...from, "--config", "/i"], "Cannot run: must have --store or --store-file"],
    [
      [...from, "--config", "/i", "--store", "sqlite:/g", "--store-file", "/f"],
      "Cannot use --store with --store-file: must be one of them",
    ],
    [
      [...from, "--config", "/i", "--store", `postgres://a:${hidden}@db/grants`],
      "Cannot use --store with a password: must stand in --store-file, KEYTURN_STORE, PGPASSWORD or a passfile (PGPASSFILE)",
    ],
    [
      [...from, "--config", "/i", "--store", `postgres://db/grants?password=${hidden}`],
      "Cannot use --store with a password: must stand in --store-file, KEYTURN_STORE, PGPASSWORD or a passfile (PGPASSFILE)",
    ],
    [
      [...from, "--config", "/i", "--store", "sqlite:/g", "--tls-key-file", "/k"],
      "Cannot run: must have --tls-cert-file and --tls-key-file, or neither",
    ],
    [["--listen", "8080"], 'Cannot use --listen "8080": must look like :8080, 127.0.0.1:8080 or unix:/path'],
    [["--request-rate", "0"], 'Cannot use --request-rate "0": must be a whole number above 0'],
    [["--request-rate", "1e99"], 'Cannot use --request-rate "1e99": must be a whole number above 0'],
    [
      ["--drain-timeout", "1"],
      'Cannot use --drain-timeout "1": must look like 90m, 1h30m or 45s; it needs a unit: 1s, 1m or 1h',
    ],
    [
      [...from, "--config", "/i", "--store", "sqlite:/g", "--admin-listen", "unix:/a"],
      "Cannot use --admin-listen: must be a TCP address",
    ],
  ])("refuses %j", async (args, problem) => {
    const [code, said] = await says("issuer", ...args);
    expect([code, firstLine(said)]).toEqual([2, problem]);
    expect(said).not.toContain(hidden);
  });

  test.each(["", "proxy", "10.0.0.0/33", "10.0.0.0/0", "fe80::1%eth0", "::/129", "loopback"])(
    "takes no proxy %j",
    async (one) => {
      const [code, said] = await says("issuer", "--trusted-proxies", `::1,${one}`);
      const problem = `Cannot use --trusted-proxies "${one}": must be an address, or a network such as 10.0.0.0/8, of IPv4 or IPv6`;
      expect([code, firstLine(said)]).toEqual([2, problem]);
    },
  );

  /** What can't be run with this file and this store. */
  async function fails(text: string, store: string): Promise<readonly [number, string]> {
    const dir = await tempDir();
    const config = join(dir, "issuer.yaml");
    await writeFile(config, text);
    const args = ["--dir", dir, "--instance", "one", "--config", config, "--store", store];
    const [code, said] = await says("issuer", ...args, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
    expect(said).not.toContain(hidden);
    return [code, firstLine(said).replaceAll(dir, "DIR")];
  }

  test("refuses a file that is not there", async () => {
    const dir = await tempDir();
    const args = ["--dir", dir, "--instance", "one", "--config", join(dir, "none"), "--store", "sqlite:/g"];
    const [code, said] = await says("issuer", ...args);
    expect([code, firstLine(said).replaceAll(dir, "DIR")]).toEqual([
      1,
      'Cannot read "DIR/none": must be a file, is not there',
    ]);
  });

  test.each([
    ["", 'Cannot read config "DIR/issuer.yaml": must hold one TokenIssuer, has none'],
    ["kind: JwtKeyRotation", 'Cannot read config "DIR/issuer.yaml": must hold one TokenIssuer, has none'],
    [`clients: ${hidden}`, 'Cannot read config "DIR/issuer.yaml": must hold one TokenIssuer, has none'],
    [JSON.stringify(fileWith({ clients: [{ id: "a", secret: hidden }] })), "Cannot use the TokenIssuer:"],
    [
      `${JSON.stringify(fileWith({}))}\n---\n${JSON.stringify(fileWith({}))}`,
      'Cannot read config "DIR/issuer.yaml": must hold one TokenIssuer, has 2: "issuer", "issuer"',
    ],
  ])("refuses the file %j", async (text, problem) => {
    expect(await fails(text, "sqlite:/g")).toEqual([1, problem]);
  });

  test.each([
    ["mysql://db/grants", "Cannot open the store: must be sqlite:PATH or postgres://.."],
    ["grants.db", "Cannot open the store: must be sqlite:PATH or postgres://.."],
    ["sqlite:", "Cannot open the store: must be sqlite:PATH or postgres://.."],
    [
      "sqlite:/nowhere/grants.db",
      'Cannot open the database "/nowhere/grants.db": must be a file of SQLite that may be written (it is not there, or no longer)',
    ],
    [
      `postgres://${hidden}@db:x/grants`,
      "Cannot read the URL of the database: must look like postgres://user@host/name",
    ],
  ])("refuses the store %j", async (store, problem) => {
    expect(await fails(JSON.stringify(fileWith({})), store)).toEqual([1, problem]);
  });
});

describe("keyturn standalone --token-issuer", () => {
  test("refuses what can't be read, and ends the rotation with it", async () => {
    const dir = await tempDir();
    const config = join(dir, "issuer.yaml");
    await writeFile(config, "kind: other");
    const rotation = ["--dir", join(dir, "keys"), "--issuer", "https://issuer.example", "--audience", "api"];
    const listen = ["--token-issuer-listen", "127.0.0.1:0", "--token-issuer-admin-listen", "127.0.0.1:0"];
    const [code, said] = await says("standalone", ...rotation, "--token-issuer", config, ...listen);
    expect([code, firstLine(said).replaceAll(dir, "DIR")]).toEqual([
      1,
      'Cannot read config "DIR/issuer.yaml": must hold one TokenIssuer, has none',
    ]);
  });
});
