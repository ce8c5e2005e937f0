import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compileSanitized, nativeNeeds } from "../../hack/native.ts";
import { derOfRaw, rawOfDer } from "../../src/jwt/ecdsa.ts";
import { fromBase64url } from "../../src/parse/base64url.ts";

const missing = nativeNeeds();
let folder: string;
let program: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), "keyturn-native-"));
  program = await compileSanitized(folder, join(import.meta.dirname, "parts.c"));
});

afterAll(async () => {
  if (missing === undefined) await rm(folder, { recursive: true });
});

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

/** What the C code makes of each; undefined where it says no. */
function answers(job: string, inputs: readonly Buffer[]): readonly (Buffer | undefined)[] {
  const lines = inputs.map((input) => `${job} -${input.toString("hex")}\n`).join("");
  const output = execFileSync(program, { input: lines, encoding: "utf8", maxBuffer: 2 ** 28 });
  const got = output.trimEnd().split("\n");
  expect(got).toHaveLength(inputs.length);
  return got.map((line) => (line === "no" ? undefined : Buffer.from(line.slice("ok ".length), "hex")));
}

const latin1 = fc.nat(0xff).map((code) => String.fromCharCode(code));
const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));

const put = (text: string, at: number, code: number): string =>
  text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);

/** Each length with the numbers that begin with zeros, are zero, or have their first bit set. */
function numbers(size: number): readonly Buffer[] {
  const number = fc
    .tuple(fc.nat(size), fc.uint8Array({ minLength: size, maxLength: size }))
    .map(([zeros, array]) => Buffer.from(array).fill(0, 0, zeros));
  return fc.sample(
    fc.tuple(number, number).map((halves) => Buffer.concat(halves)),
    1000,
  );
}

describe("base64url in C, with sanitizers", () => {
  test("decodes what the one in TypeScript decodes, and nothing else", () => {
    const canonical = bytes.map((each) => each.toString("base64url"));
    const altered = fc
      .tuple(canonical, fc.nat(800), fc.string({ unit: latin1, maxLength: 3 }), fc.nat(3))
      .map(([text, at, put, cut]) => text.slice(0, at) + put + text.slice(at + cut));
    const short = Array.from({ length: 0x100 ** 2 }, (_, nth) =>
      Buffer.from([nth >> 8, nth & 0xff]).toString("latin1"),
    );
    const letters = ["AAAA", "AAAAAA", "AAAAAAA"].flatMap((text) =>
      Array.from(text, (_, at) => Array.from({ length: 0x100 }, (__, code) => put(text, at, code))).flat(),
    );
    const texts = [...fc.sample(fc.oneof(canonical, altered), 3000), ...short, ...letters, ""];
    const got = answers(
      "decode",
      texts.map((text) => Buffer.from(text, "latin1")),
    );
    expect(got).toEqual(texts.map(fromBase64url));
    expect(got.filter((one) => one !== undefined).length).toBeGreaterThan(1000);
  });

  test("encodes as Node.js does", () => {
    const all = [...fc.sample(bytes, 1000), ...Array.from({ length: 6 }, (_, length) => Buffer.alloc(length, 0xff))];
    const texts = answers("encode", all).map((text) => text?.toString("latin1"));
    expect(texts).toEqual(all.map((each) => each.toString("base64url")));
  });
});

describe.each([1, 2, 32, 48, 66])("ECDSA in C, with sanitizers: numbers of %d bytes", (size) => {
  test("makes the DER that TypeScript makes, and the numbers of it again", () => {
    const all = numbers(size);
    const ders = answers(`der ${size}`, all);
    expect(ders).toEqual(all.map((raw) => derOfRaw(raw, size)));
    const there = ders.filter((der) => der !== undefined);
    expect(there.length).toBeGreaterThan(100);
    expect(answers(`raw ${size}`, there)).toEqual(there.map((der) => rawOfDer(der, size)));
  });

  test("refuses what is no DER of such numbers, without a look beyond its end", () => {
    const good = answers(`der ${size}`, numbers(size)).filter((der) => der !== undefined);
    const cut = good.slice(0, 100).flatMap((der) => Array.from(der, (_, length) => der.subarray(0, length)));
    expect(answers(`raw ${size}`, cut).filter((raw) => raw !== undefined)).toEqual([]);
    const longer = good.map((der) => Buffer.concat([der, Buffer.alloc(1)]));
    expect(answers(`raw ${size}`, longer).filter((raw) => raw !== undefined)).toEqual([]);
    expect(answers(`raw ${size}`, fc.sample(bytes, 1000))).toHaveLength(1000);
  });
});
