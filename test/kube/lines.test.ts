import { expect, test } from "vitest";
import { linesOf } from "../../src/kube/lines.ts";

async function* chunksOf(...chunks: readonly (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function all(chunks: AsyncIterable<Buffer>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(chunks)) lines.push(line);
  return lines;
}

test.each([
  [["a\nb\n"], ["a", "b"]],
  [["a", "b", "\n"], ["ab"]],
  [
    ["a\n", "\n\r\n", "b\n"],
    ["a", "b"],
  ],
  [["a\nb"], ["a"]],
  [[], []],
])("linesOf %o is %o", async (chunks, lines) => {
  expect(await all(chunksOf(...chunks))).toEqual(lines);
});

test("linesOf puts characters together that lie across chunks", async () => {
  const bytes = Buffer.from('{"a":"Schlüssel🔑"}\n');
  const single = [...bytes].map((byte) => Buffer.from([byte]));
  expect(await all(chunksOf(...single))).toEqual(['{"a":"Schlüssel🔑"}']);
});

test("linesOf refuses a line beyond 16 MiB", async () => {
  const chunk = Buffer.alloc(1024 * 1024, "a");
  await expect(all(chunksOf(...Array.from({ length: 17 }, () => chunk)))).rejects.toThrow(RangeError);
  expect(await all(chunksOf(...Array.from({ length: 16 }, () => chunk), "\n"))).toHaveLength(1);
});
