import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { frame } from "../../hack/demo/frame.ts";
import type { Scene } from "../../hack/demo/scene.ts";
import { Tokens } from "../../hack/demo/tokens.ts";
import { plain, widthOf } from "../../src/tools/text/cell-width.ts";
import { viewOf } from "../../src/ring/view.ts";
import { active, inputOf, ringOf } from "../support/rings.ts";
import { epoch } from "../support/story.ts";

const main = join(import.meta.dirname, "..", "..", "hack", "demo", "main.ts");
const execute = promisify(execFile);

describe("npm start without a terminal", () => {
  let folder: string;
  let output = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-demo-test-"));
    // Its exit code is 0, else this rejects
    output = (await execute(process.execPath, [main, "--keep"], { env: { ...process.env, TMPDIR: folder } })).stdout;
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

describe("npm start without --keep", () => {
  async function ended(signals: readonly NodeJS.Signals[]) {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-demo-test-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const child = spawn(process.execPath, [main], { env: { ...process.env, TMPDIR: folder }, stdio: "pipe" });
    child.stderr.resume();
    // Which it says once keys are there and tokens flow
    for await (const line of createInterface({ input: child.stdout })) if (line.includes("tokens")) break;
    const had = await readdir(folder);
    child.stdout.resume();
    for (const signal of signals) child.kill(signal);
    const [code] = (await once(child, "close")) as [number | null];
    return { had: had.length, code, left: await readdir(folder) };
  }

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "leaves nothing behind when %s ends it",
    async (signal, code) => {
      expect(await ended([signal])).toEqual({ had: 1, code, left: [] });
    },
    120_000,
  );

  test("nor when a second signal ends it at once", async () => {
    expect(await ended(["SIGINT", "SIGTERM"])).toMatchObject({ had: 1, left: [] });
  }, 120_000);
});

describe("frame", () => {
  const ring = ringOf({ revoked: [{ kid: "k0", revokedAtMs: epoch - 1000 }] });
  const reading = { kind: "ring", ring, halves: ["k1", "k2"] } as const;
  const { rotation, policy, requests, gateways, clockTrusted } = inputOf(ring);
  const found = { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch };
  const view = viewOf({ rotation, policy, requests, gateways, clockTrusted, found });
  const news = Array.from({ length: 40 }, (_, i) => ({
    atMs: epoch,
    what: "you",
    text: `line ${i} ${"long ".repeat(50)}`,
  }));
  const scene = { view, history: [], news, rotations: 0, startedAtMs: epoch - 60_000 } as unknown as Scene;
  const verdict = { verified: 12_481, refused: 0, revoked: 96, early: 3 };

  test.for([
    [20, 10],
    [40, 12],
    [60, 10],
    [80, 16],
    [80, 24],
    [100, 30],
    [160, 50],
  ] as const)("fills %i columns and %i rows, never more, and ends with the keys", ([columns, rows]) => {
    const look = { columns, colour: true, unicode: true };
    const lines = frame({
      ...{ scene, verdict, look, rows, nowMs: epoch, timeZone: "UTC" },
      ...{ perSecond: 400, folder: "/tmp/keyturn-demo-abcdef" },
    });
    expect(lines).toHaveLength(rows);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
    const keys = { 20: /^ r b x q$/, 40: /^ r rotate {2}b back {2}x revoke {2}q end$/ };
    const usual = /^ r rotate +b roll back +x revoke the signer +q end/;
    expect(plain(lines.at(-1) ?? "")).toMatch(columns === 20 || columns === 40 ? keys[columns] : usual);
  });

  test("says what counts in so many words", () => {
    const look = { columns: 100, colour: false, unicode: false };
    const lines = frame({
      ...{ scene, verdict, look, rows: 30, nowMs: epoch, timeZone: "UTC" },
      perSecond: 400,
      folder: "/tmp/x",
    });
    expect(lines.join("\n")).toContain("+ 12,481 verified, 0 refused");
    expect(lines.join("\n")).toContain("96 of revoked keys refused, as they should be");
    expect(lines.join("\n")).not.toContain("\u001b");
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
