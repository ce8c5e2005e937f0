import { describe, expect, test } from "vitest";
import { plain, widthOf } from "../../../src/tools/text/cell-width.ts";
import { line, padded, paint } from "../../../src/tools/text/screen.ts";
import { pairs, table } from "../../../src/tools/text/table.ts";
import { FakeIo, pipe, terminal } from "../support/fake-io.ts";

describe("paint", () => {
  test("wraps the text in the escapes of its styles, and ends them", () => {
    expect(paint({ colour: true }, ["strong", "active"], "signs")).toBe("\u001b[1;32msigns\u001b[0m");
  });

  test("leaves the text alone without colours, and an empty text always", () => {
    expect(paint({ colour: false }, "active", "signs")).toBe("signs");
    expect(paint({ colour: true }, "active", "")).toBe("");
  });
});

test("plain, widthOf and padded see the text without escapes", () => {
  const text = paint({ colour: true }, "now", "▼ now");
  expect(plain(text)).toBe("▼ now");
  expect(widthOf(text)).toBe(5);
  expect(plain(padded(text, 7))).toBe("▼ now  ");
  expect(padded("long", 2)).toBe("long");
});

test("line writes our own signs in ASCII to a screen that knows no more", () => {
  const io = new FakeIo();
  line(io.out, "key 3f… → maxTTL + 2 × clockSkew");
  expect(io.out.text).toBe("key 3f.. -> maxTTL + 2 x clockSkew\n");
});

describe("table", () => {
  test("stands in columns, without those that are empty and without spaces at the end", () => {
    const lines = table(
      ["KID", "DEMOTED", "STATE"],
      [
        ["abc", "", "active"],
        ["d", "", ""],
      ],
      pipe,
    );
    expect(lines).toEqual(["KID   STATE", "abc   active", "d"]);
  });

  test("moves its columns together where it would get too wide", () => {
    expect(table(["A", "B"], [["1", "2"]], { ...pipe, columns: 4 })).toEqual(["A  B", "1  2"]);
    expect(table(["A", "B"], [["1", "2"]], { ...pipe, columns: 5 })).toEqual(["A   B", "1   2"]);
  });

  test("stands in columns whatever is coloured", () => {
    const rows = [[paint(terminal, "active", "abc"), "x"]];
    expect(table(["KID", "STATE"], rows, terminal).map(plain)).toEqual(["KID   STATE", "abc   x"]);
  });
});

test("pairs puts the values below each other", () => {
  expect(
    pairs(
      [
        ["Signer", "a"],
        ["Waiting for", "b"],
      ],
      pipe,
    ),
  ).toEqual(["Signer        a", "Waiting for   b"]);
});
