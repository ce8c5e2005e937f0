import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Tokens } from "../../hack/demo/tokens.ts";
import { active, ringOf } from "../support/rings.ts";
import { epoch } from "../support/story.ts";

const main = join(import.meta.dirname, "..", "..", "hack", "demo", "main.ts");
const execute = promisify(execFile);

describe("npm start without a terminal", () => {
  let folder: string;
  let output = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-demo-test-"));
    // Its exit code is 0, else this rejects
    output = (await execute(process.execPath, [main], { env: { ...process.env, TMPDIR: folder } })).stdout;
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("ends after three rotations, with thousands of tokens verified and none refused", () => {
    const [, rotations, verified, refused] =
      /(\d+) rotations in \d+ s: ([\d,]+) verified, ([\d,]+) refused/.exec(output) ?? [];
    expect({ rotations, refused }).toEqual({ rotations: "3", refused: "0" });
    expect(Number(verified?.replaceAll(",", ""))).toBeGreaterThan(1000);
  });

  test("writes plain lines", () => {
    expect(output).not.toContain("\u001b");
    expect(output).toContain("key");
  });

  test("prints an openssl line that verifies the last token when it is pasted", async ({ skip }) => {
    const version = await execute("openssl", ["version"]).catch(() => undefined);
    if (!version) skip("openssl can't be run");
    const pasted = output.split("\n").filter((line) => /^ +(cd|openssl) /.test(line));
    expect(pasted).toHaveLength(2);
    const { stdout } = await execute("sh", ["-ec", pasted.join("\n")]);
    expect(stdout).toBe("Verified OK\n");
  });
});

describe("Tokens", () => {
  const refusal = (kid: string, atMs: number) => ({ kid, atMs, why: "ERR_JWKS_NO_MATCHING_KEY" });
  const told = (...refusals: ReturnType<typeof refusal>[]): Tokens => {
    const tokens = new Tokens();
    tokens.take({ verified: 10, latest: "", refusals });
    return tokens;
  };

  test("counts a refusal as refused, once no ring explains it within a second", () => {
    const tokens = told(refusal("k1", epoch));
    tokens.see(ringOf());
    expect(tokens.verdict(epoch + 1000).refused).toBe(0);
    expect(tokens.verdict(epoch + 1001)).toEqual({ verified: 10, refused: 1, revoked: 0, early: 0 });
  });

  test("counts a refusal apart from the instant of the revocation on, not before", () => {
    const tokens = told(refusal("k9", epoch - 1), refusal("k9", epoch), refusal("k9", epoch + 1));
    tokens.see(ringOf({ revoked: [{ kid: "k9", revokedAtMs: epoch }] }));
    expect(tokens.verdict(Infinity)).toMatchObject({ refused: 1, revoked: 2 });
  });

  test("counts a refusal apart while a revocation's successor is not known everywhere, not a moment longer", () => {
    const tokens = told(refusal("k2", epoch + 2000), refusal("k2", epoch + 2001));
    const signer = active("k2", { publishedAtMs: epoch, activatedAtMs: epoch, waitMs: 2000 });
    tokens.see(ringOf({ signer, revoked: [{ kid: "k1", revokedAtMs: epoch }] }));
    expect(tokens.verdict(Infinity)).toMatchObject({ refused: 1, early: 1 });
  });
});
