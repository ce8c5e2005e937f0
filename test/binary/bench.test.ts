import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchResult } from "../bench/bench.ts";
import type { Figure } from "../bench/figures.ts";

const main = join(import.meta.dirname, "..", "bench", "main.ts");
const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-bench-test-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("npm run bench", () => {
  // No times are looked at: on a busy machine they say nothing
  test.for(["planner", "codec", "keys", "swap", "request", "gateway", "client"])("%s still works", async (name) => {
    const file = join(folder, `${name}.json`);
    const { stdout } = await run(name, "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as BenchResult[];
    expect(stdout).toContain(`${name}: `);
    expect(result?.results.length).toBeGreaterThan(1);
    for (const { ours, baseline, ratio } of result?.results ?? []) {
      expect(ours.microseconds.median).toBeGreaterThan(0);
      expect(baseline.microseconds.median).toBeGreaterThan(0);
      expect(ratio.median).toBeGreaterThan(0);
    }
  });

  test("signatures still works", async () => {
    const file = join(folder, "signatures.json");
    await run("signatures", "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    expect(result?.figures).toHaveLength(5 * 2 * 2);
    for (const { ours, baseline } of result?.figures ?? [])
      expect(Math.min(ours, baseline?.value ?? 0)).toBeGreaterThan(0);
  });

  test("operator still works", async () => {
    const file = join(folder, "operator.json");
    const { stdout } = await run("operator", "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    expect(stdout).toContain("operator: ");
    const requests = result?.figures.find(({ unit }) => unit === "requests")?.ours ?? 0;
    // Three objects written twice, a report; how few reads there are is for the real run
    expect(requests).toBeGreaterThanOrEqual(7);
    const restarts = result?.figures.filter(({ unit }) => unit === "writes") ?? [];
    expect(restarts.map(({ ours }) => ours)).toEqual([0, expect.any(Number)]);
  });

  test("issuer still works", async () => {
    const file = join(folder, "issuer.json");
    await run("issuer", "--quick", "--json", file);
    const results = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    const [store, program] = results.map(({ figures }) => figures);
    expect(store?.map(({ unit }) => unit)).toEqual(["a second", "µs", "rows", "a second", "µs", "rows"]);
    expect(store?.filter(({ unit }) => unit === "rows").map(({ ours }) => ours)).toEqual([1, 1]);
    const units = ["a CPU second", "a second", "MiB"];
    expect(program?.map(({ unit }) => unit)).toEqual([...units, ...units]);
    for (const { ours } of program ?? []) expect(ours).toBeGreaterThan(0);
  });

  test("revocations still works", async () => {
    const file = join(folder, "revocations.json");
    await run("revocations", "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    expect(result?.figures.map(({ unit, ours }) => [unit, ours > 0])).toEqual(
      Array.from({ length: 4 }, () => ["ms", true]),
    );
  });

  test("agent still works", async () => {
    const file = join(folder, "agent.json");
    await run("agent", "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    const proxy = ["a second", "a second", "a second", "a CPU second"];
    const loopback = ["ms", "ms", "ms", "ms"];
    const many = ["ms", "MiB", "MiB", "ms", "a second"];
    const registered = ["MiB", "MiB", "MiB"];
    const firstToken = ["ms", "ms"];
    const units = [...proxy, ...loopback, ...many, ...registered, ...firstToken];
    expect(result?.figures.map(({ unit }) => unit)).toEqual(units);
    for (const { ours, what } of result?.figures ?? []) expect([what, ours > 0]).toEqual([what, true]);
  });

  test("sessions still works", async () => {
    const file = join(folder, "sessions.json");
    await run("sessions", "--quick", "--json", file);
    const [result] = JSON.parse(await readFile(file, "utf8")) as { figures: readonly Figure[] }[];
    const begin = ["a CPU second", "a CPU second", "a second"];
    const each = [...begin, "MiB", "KiB", "ms", "ms", "ms", "ms", "a CPU second", "messages", "messages"];
    expect(result?.figures.map(({ unit }) => unit)).toEqual([...each, ...each]);
    for (const { unit, ours } of result?.figures ?? []) if (unit === "messages") expect(ours).toBe(0);
  });

  test("refuses a name that it does not know, with exit code 2", async () => {
    await expect(run("speed")).rejects.toMatchObject({
      code: 2,
      stderr:
        'Cannot run bench "speed": must be one of planner, codec, keys, swap, request, gateway, client, signatures, operator, issuer, revocations, agent, sessions; options follow "--"\n',
    });
  });
});
