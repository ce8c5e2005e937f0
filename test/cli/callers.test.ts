import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOfSecret, parseScryptHash } from "../../src/issuer/callers/scrypt-hash.ts";
import { fileWith, ruleWith, trustWith } from "../issuer/support/token-issuers.ts";
import { claimsAt, newKey, tokenOf } from "../issuer/support/tokens.ts";
import { FakeCli } from "./around.ts";

describe("issuer explain", () => {
  const key = newKey();
  const source = trustWith({
    jwksURL: "https://partner.example/jwks",
    rules: [ruleWith({ name: "main", match: { sub: "repo:*" } }), ruleWith({ subject: "ext:{team}" })],
  });

  function cliWith(claims: object): FakeCli {
    const cli = new FakeCli();
    cli.files.set("issuer.yaml", JSON.stringify(fileWith({ trust: [source] })));
    cli.input = `${tokenOf(claimsAt(cli.home.nowMs, claims), key)}\n`;
    return cli;
  }

  test("says which rule takes a token, and what it becomes", async () => {
    const cli = cliWith({ team: "shop" });
    expect(await cli.run("issuer", "explain", "-c", "issuer.yaml")).toBe(0);
    expect(cli.io.out.text).toBe(
      [
        'issuer    "https://partner.example", trusted as partner',
        'subject   "anna"',
        'audiences "keyturn-issuer"',
        "rule      main: does not fit, sub must fit repo:*",
        "rule      everybody: fits, and decides",
        'answer    becomes "ext:shop", if its signature is good',
        "",
      ].join("\n"),
    );
  });

  test("says which check fails, with exit code 1", async () => {
    const cli = cliWith({ aud: "somebody-else" });
    expect(await cli.run("issuer", "explain", "-c", "issuer.yaml")).toBe(1);
    expect(cli.io.out.text).toContain(
      'answer    refused by the check "audience": must be for an audience that is expected',
    );
  });

  test("reads the token of a file, and gives documents", async () => {
    const cli = cliWith({});
    cli.files.set("token.jwt", cli.input);
    cli.input = "";
    expect(await cli.run("issuer", "explain", "token.jwt", "-c", "issuer.yaml", "-o", "json")).toBe(1);
    expect(JSON.parse(cli.io.out.text)).toMatchObject({
      failed: { check: "template" },
      trust: "partner",
      rules: [
        { name: "main", fits: false },
        { name: "everybody", fits: true, template: "team" },
      ],
    });
    expect(await cli.run("issuer", "explain", "token.jwt", "-c", "issuer.yaml", "-o", "yaml")).toBe(1);
    expect(cli.io.out.text).toContain("\ntrust: partner\n");
  });

  test("refuses a file that is no good with all its problems, and prints no token", async () => {
    const cli = cliWith({});
    cli.files.set("issuer.yaml", JSON.stringify(fileWith({ trust: [{ ...source, audiences: [] }], more: 1 })));
    expect(await cli.run("issuer", "explain", "-c", "issuer.yaml")).toBe(1);
    expect(cli.io.err.text).toBe(
      [
        "keyturn: error: Cannot use the TokenIssuer:",
        '  unknown field "spec.more"',
        "  spec.trust[0].audiences: must have at least one item, has none",
        "",
      ].join("\n"),
    );
    expect(cli.io.err.text + cli.io.out.text).not.toContain(cli.input.slice(0, 40));
  });

  test("a token in the place of the file is not shown", async () => {
    const cli = cliWith({});
    expect(await cli.run("issuer", "explain", cli.input.trim(), "-c", "issuer.yaml")).toBe(1);
    expect(cli.io.err.text + cli.io.out.text).not.toContain(cli.input.slice(0, 40));
  });

  test("needs a config", async () => {
    const cli = cliWith({});
    expect(await cli.run("issuer", "explain")).toBe(2);
    expect(cli.io.err.text).toContain('required option "-c, --config <file>" not specified');
  });
});

describe("issuer hash-secret", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "keyturn-secret-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const fits = async (line: string, secret: string): Promise<boolean> => {
    const hash = parseScryptHash(line.trimEnd());
    return hash !== undefined && isOfSecret(hash, secret);
  };

  test("prints the hash of what comes, and nothing else", async () => {
    const cli = new FakeCli();
    cli.input = "correct horse battery staple\n";
    expect(await cli.run("issuer", "hash-secret")).toBe(0);
    expect(await fits(cli.io.out.text, "correct horse battery staple")).toBe(true);
    expect(cli.io.err.text).toBe("");
  });

  test("makes a secret that only its file has", async () => {
    const cli = new FakeCli();
    const path = join(dir, "ci.secret");
    expect(await cli.run("issuer", "hash-secret", "--generate", path)).toBe(0);
    const secret = (await readFile(path, "utf8")).trimEnd();
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await fits(cli.io.out.text, secret)).toBe(true);
    expect(cli.io.out.text + cli.io.err.text).not.toContain(secret);
  });

  test("overwrites no secret", async () => {
    const path = join(dir, "ci.secret");
    await new FakeCli().run("issuer", "hash-secret", "--generate", path);
    const first = await readFile(path, "utf8");
    const cli = new FakeCli();
    expect(await cli.run("issuer", "hash-secret", "--generate", path)).toBe(1);
    expect(cli.io.err.text).toContain(`Cannot write "${path}": must not be there yet`);
    expect(cli.io.out.text).toBe("");
    expect(await readFile(path, "utf8")).toBe(first);
  });

  test.each([
    ["is too short", "short"],
    ["is two lines", "correct horse battery\nstaple"],
    ["is a hash", `$scrypt$ln=15,r=8,p=3$${"a".repeat(22)}$${"b".repeat(43)}`],
  ])("refuses what %s, and does not show it", async (_, text) => {
    const cli = new FakeCli();
    cli.input = text;
    expect(await cli.run("issuer", "hash-secret")).toBe(1);
    expect(cli.io.err.text).toContain("Cannot hash the secret: must be one line of 16 to 1024 characters, and no hash");
    expect(cli.io.err.text).not.toContain(text);
    expect(cli.io.out.text).toBe("");
  });
});
