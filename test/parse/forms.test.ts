import { describe, expect, test } from "vitest";
import { Cursor } from "../../src/parse/cursor.ts";
import {
  choice,
  duration,
  trueOrFalse,
  type Form,
  freeText,
  instant,
  ownInstant,
  printable,
  text,
  whole,
} from "../../src/parse/forms.ts";
import { memberPath } from "../../src/parse/path.ts";
import { read } from "../../src/parse/scalars.ts";

const tick = "2026-11-21T10:00:00.000Z";

/** A form, what fits it, and what is next to that. */
const forms: readonly (readonly [string, Form<unknown>, Readonly<Record<"good" | "bad", readonly unknown[]>>])[] = [
  [
    "text",
    text(printable(3)),
    { good: ["a", "abc", "ä ö"], bad: ["", "abcd", "a\n", "\u007f", "\ud800", 1, null, ["a"]] },
  ],
  ["freeText", freeText(1, 3), { good: ["a", "\n\n\n"], bad: ["", "abcd", 1, null] }],
  ["choice", choice(["a", "b"]), { good: ["a", "b"], bad: ["c", "A", "", ["a"], undefined] }],
  ["flag", trueOrFalse, { good: [true, false], bad: ["true", 0, null] }],
  ["whole", whole({ least: 0, most: 9 }), { good: [0, 9], bad: [-1, 10, -0, 0.5, Number.NaN, "1"] }],
  ["whole", whole({ least: 8, most: 24, multipleOf: 8 }), { good: [8, 16, 24], bad: [0, 12, 32] }],
  [
    "duration",
    duration({ leastMs: 1000, mostMs: 3_600_000 }),
    { good: ["1s", "60m"], bad: ["0s", "1h1s", "1500ms", "1", 1000] },
  ],
  ["instant", instant, { good: [tick, "2026-11-21T10:00:00+01:00"], bad: ["2026-11-21", "2026-02-30T00:00:00Z", 0] }],
  ["ownInstant", ownInstant, { good: [tick], bad: ["2026-11-21T10:00:00Z", "2026-02-30T00:00:00.000Z", 0] }],
];

describe.each(forms)("%s", (_, form, { good, bad }) => {
  test.each(good.map((value) => [value]))("takes %j", (value) => {
    expect(form.read(value)).toBeDefined();
  });

  test.each(bad.map((value) => [value]))("refuses %j", (value) => {
    expect(form.read(value)).toBeUndefined();
  });

  test("is refused in the same words by who throws and by who collects", () => {
    const [wrong] = bad;
    const problems: string[] = [];
    expect(read({ value: wrong, path: "a.b", problems, unknown: [] }, form)).toBeUndefined();
    const cursor = new Cursor(wrong, "a.b", { code: "Wrong", action: "Cannot read" });
    expect(problems).toHaveLength(1);
    expect(() => cursor.as(form)).toThrow(`Cannot read: ${problems[0] ?? ""}`);
  });
});

test.each([
  ["", "spec", "spec"],
  ["$", "kid", "$.kid"],
  ["$.a[0]", "x-y", "$.a[0].x-y"],
  ["metadata.labels", "example.com/team", "metadata.labels[example.com/team]"],
  ["$", "a\nb", '$["a\\nb"]'],
  ["$", "", '$[""]'],
  ["$", "A".repeat(43), "$[a name of 43 characters]"],
])("memberPath of %j and %j is %j", (path, name, expected) => {
  expect(memberPath(path, name)).toBe(expected);
});
