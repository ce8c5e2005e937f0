import { describe, expect, test } from "vitest";
import { fitted, shortened } from "../../../src/tools/text/line-fit.ts";
import { line } from "../../../src/tools/text/screen.ts";
import { table } from "../../../src/tools/text/table.ts";
import { FakeIo, pipe, terminal } from "../support/fake-io.ts";

describe("fitted", () => {
  test.each<[text: string, columns: number, lines: readonly string[]]>([
    ["short", 20, ["short"]],
    ["one two three", 8, ["one two", "three"]],
    [" one two three", 9, [" one two", " three"]],
    ["Name   a value of five words", 20, ["Name   a value of", "       five words"]],
    ["A long name that stands left   value and more", 24, ["A long name that stands", "left   value and more"]],
    ["x".repeat(30), 20, ["x".repeat(30)]],
    [`a ${"x".repeat(30)} b`, 20, ["a", "x".repeat(30), "b"]],
    ["\u001b[1mone\u001b[0m two three", 8, ["\u001b[1mone\u001b[0m two", "three"]],
  ])("%j at %i", (text, columns, lines) => expect(fitted(text, columns)).toEqual(lines));
});

test.each([
  ["one two three", 20, "one two three"],
  ["one two three", 12, "one two …"],
  ["onetwothree", 4, "onetwothree …"],
])("shortened %j at %i is %j", (text, columns, short) => expect(shortened(text, columns, true)).toBe(short));

describe("line", () => {
  const text = "waiting for a gateway that is far away";
  test("breaks on a terminal, and not in a pipe", () => {
    const live = new FakeIo({ look: { ...terminal, columns: 20 }, live: true });
    line(live.out, text);
    expect(live.lines).toEqual(["waiting for a", "gateway that is far", "away"]);
    const piped = new FakeIo({ look: { ...pipe, columns: 20 } });
    line(piped.out, text);
    expect(piped.lines).toEqual([text]);
  });
});

describe("table on a terminal that is too narrow", () => {
  const look = { ...pipe, columns: 36, live: true };
  const heads = ["NAME", "AGE", "STATE", "WAITING FOR"];
  const rows = [["gateway", "3d", "not ready", "a gateway that is far away"]];
  test("leaves out what may go, as far as it must", () => {
    expect(table(heads, rows, { ...look, spare: ["AGE", "STATE"] })[0]).toBe("NAME     STATE      WAITING FOR");
    expect(table(heads, rows, { ...look, columns: 60, spare: ["AGE", "STATE"] })[0]).toMatch(/AGE/);
    expect(table(heads, rows, { ...look, live: false, spare: ["AGE", "STATE"] })[0]).toMatch(/AGE/);
  });
});
