import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { tempDir } from "../../files/temp.ts";
import { directoryOf, fileOf, sinkOf, tokenOf } from "./tokens.ts";

const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "keyturn-compile-cache") };
const patient = { timeout: 300_000 };

function child(name: string, ...args: readonly string[]) {
  const process_ = spawn(process.execPath, [join(import.meta.dirname, "children", name), ...args], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void process_.kill("SIGKILL"));
  return process_;
}

interface Reader {
  /** How often it read whole tokens, and other ones than before. */
  end(): Promise<{ readonly reads: number; readonly changes: number }>;
}

async function readerOf(dir: string): Promise<Reader> {
  const reader = child("reader.ts", dir);
  const exit = once(reader, "exit") as Promise<[number]>;
  await once(reader.stdout, "readable");
  reader.stdout.read("ready\n".length);
  return {
    end: async () => {
      reader.stdin.end();
      const [said, [code]] = await Promise.all([text(reader.stdout), exit]);
      expect(code).toBe(0);
      return JSON.parse(said) as { reads: number; changes: number };
    },
  };
}

async function bothOf(dir: string, first = 1): Promise<(n: number) => Promise<void>> {
  const file = sinkOf(fileOf(join(dir, "token")));
  const directory = sinkOf(directoryOf(join(dir, "tokens")));
  const write = async (n: number): Promise<void> => {
    await Promise.all([file.write(tokenOf(n)), directory.write(tokenOf(n))]);
  };
  await write(first);
  return write;
}

it("whoever reads all the time never sees a part of a token, over thousands of writes", patient, async () => {
  const dir = await tempDir();
  const write = await bothOf(dir);
  const reader = await readerOf(dir);
  for (let n = 2; n <= 1000; n++) await write(n);
  const { reads, changes } = await reader.end();
  expect(reads).toBeGreaterThan(1000);
  expect(changes).toBeGreaterThan(100);
});

it("nor when writers are killed at any moment; what they leave does not grow", patient, async () => {
  const dir = await tempDir();
  await bothOf(dir);
  const reader = await readerOf(dir);
  let n = 1;
  let left = 0;
  // At least one is killed before it has finished, however lucky all are
  for (let kills = 0; kills < 20 || (left === 0 && kills < 500); kills++) {
    const writer = child("writer.ts", dir, String(n + 1));
    n = await lastOf(writer);
    const unfinished = (await readdir(dir)).filter((name) => name.startsWith("."));
    expect(unfinished.length).toBeLessThanOrEqual(1);
    // The one behind `..data`, the one before it, one that was not finished, and perhaps the oldest not yet gone
    const versions = (await readdir(join(dir, "tokens"))).filter((name) => /^\.\.\d/.test(name));
    expect(versions.length).toBeLessThanOrEqual(4);
    left += unfinished.length + (versions.length > 2 ? 1 : 0);
  }
  expect(left).toBeGreaterThan(0);
  const write = await bothOf(dir, n + 10);
  await write(n + 11);
  expect((await readdir(dir)).sort()).toEqual(["token", "tokens"]);
  expect((await readdir(join(dir, "tokens"))).filter((name) => /^\.\.\d/.test(name))).toHaveLength(2);
  expect((await reader.end()).changes).toBeGreaterThan(20);
});

/** Kills it while it writes; the last number that it may have written. */
async function lastOf(writer: ChildProcess): Promise<number> {
  let said = "";
  writer.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
    if (said.split("\n").length > 3) writer.kill("SIGKILL");
  });
  await once(writer, "close");
  return Number(said.trim().split("\n").at(-1)) + 1;
}
