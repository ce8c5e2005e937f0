import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openGrantStore } from "../../src/issuer/store/open-grant-store.ts";
import { FakeCli } from "./around.ts";

// What the commands do is in test/issuer/store/by-hand.test.ts, on both databases

let dir: string;

beforeEach(async () => {
  for (const name of ["KEYTURN_DIR", "KEYTURN_STORE", "KEYTURN_STORE_FILE"]) vi.stubEnv(name, undefined);
  dir = await mkdtemp(join(tmpdir(), "keyturn-grants-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

async function grants(...args: readonly string[]) {
  const cli = new FakeCli();
  const code = await cli.run("grants", ...args);
  return { code, out: cli.io.out.text, err: cli.io.err.text };
}

describe("a wrong command line of grants ends with 2, and opens nothing", () => {
  test.each([
    ["list", "Cannot find the grants: must have --dir, --store or --store-file"],
    ["list --subject a --client b", "Cannot list: must have one of --subject, --client and --parent"],
    ["list --limit 0", 'Cannot use --limit "0": must be a number from 1 to 1000'],
    ["list --limit 1001", 'Cannot use --limit "1001": must be a number from 1 to 1000'],
    ["list --state dead", 'Cannot use --state "dead": must be active, revoked, expired'],
    ["list --after x", 'Cannot use --after "x": must be the id of a grant, 22 characters: the claim sid of its tokens'],
    ["show x", 'Cannot use grant "x": must be the id of a grant, 22 characters: the claim sid of its tokens'],
    ["revoke", "Cannot revoke: must have a grant, or one of --subject, --client and --token"],
    [
      "revoke XcPg9SkZTmqT1lLzc9AqTw --client ci",
      "Cannot revoke: must have a grant, or one of --subject, --client and --token",
    ],
    ["revoke --token abc", 'Cannot use --token "abc": must be a jti, which begins with the id of its grant'],
    ["list --dir /a --store sqlite:/b", "Cannot use --dir with --store or --store-file: must be one of them"],
  ])("%s", async (line, error) => {
    const { code, out, err } = await grants(...line.split(" "));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toBe(`keyturn: error: ${error}\nkeyturn: hint: --help shows examples\n`);
  });
});

test("a grant whose id begins with a dash is taken behind --, which is told", async () => {
  const store = `sqlite:${join(dir, "grants.db")}`;
  await (await openGrantStore(store)).close();
  const { code, err } = await grants("show", "--store", store, "-cPg9SkZTmqT1lLzc9AqTw");
  expect(code).toBe(2);
  expect(err).toContain("a kid or a grant that begins with a dash goes after --");
  const behind = await grants("show", "--store", store, "--", "-cPg9SkZTmqT1lLzc9AqTw");
  expect(behind.err).toContain('Cannot find the grant "-cPg9SkZTmqT1lLzc9AqTw"');
});

describe("the store of grants", () => {
  test("is that of the directory of keyturn standalone, unless another one is named", async () => {
    await (await openGrantStore(`sqlite:${join(dir, "grants.db")}`)).close();
    expect(await grants("list", "--dir", dir)).toEqual({ code: 0, out: "", err: "No grant\n" });
    vi.stubEnv("KEYTURN_DIR", "/nowhere");
    expect((await grants("list", "--store", `sqlite:${join(dir, "grants.db")}`)).code).toBe(0);
    vi.stubEnv("KEYTURN_DIR", undefined);
    vi.stubEnv("KEYTURN_STORE", "sqlite:/nowhere/grants.db");
    expect((await grants("list", "--dir", dir)).code).toBe(0);
  });

  test("is never made: a slip of the name is no empty store", async () => {
    const { code, err } = await grants("list", "--dir", dir);
    expect(code).toBe(1);
    expect(err).toContain(`Cannot open the database "${join(dir, "grants.db")}": must be there`);
    expect(await readdir(dir)).toEqual([]);
  });

  test("that is none is refused", async () => {
    const { code, err } = await grants("list", "--store", "mysql://x");
    expect(code).toBe(1);
    expect(err).toContain("Cannot open the store: must be sqlite:PATH or postgres://");
  });
});

test("a backup is a store of its own, and goes over no other file", async () => {
  const store = await openGrantStore(`sqlite:${join(dir, "grants.db")}`);
  const into = join(dir, "backup.db");
  expect(await grants("backup", into, "--dir", dir)).toEqual({ code: 0, out: "", err: "" });
  await store.close();
  expect(await grants("list", "--store", `sqlite:${into}`)).toEqual({ code: 0, out: "", err: "No grant\n" });
  const again = await grants("backup", into, "--dir", dir);
  expect(again.code).toBe(1);
  expect(again.err).toContain(`Cannot back up to "${into}": must not be there yet`);
  const other = await grants("backup", join(dir, "x"), "--store", "postgres://x");
  expect(other.code).toBe(1);
  expect(other.err).toContain("must be sqlite:PATH");
});
