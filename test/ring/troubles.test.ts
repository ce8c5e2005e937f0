import { describe, expect, it, test } from "vitest";
import type { Found, Reading } from "../../src/ring/found.ts";
import { readingOf, troublesOf } from "../../src/ring/troubles.ts";
import { copy, found, reading } from "../support/found.ts";

const whole = { ring: copy(5, "s5"), signer: copy(5, "s5"), public: copy(5) };

describe("troublesOf", () => {
  test.each<[what: string, seen: Found, told: readonly string[]]>([
    ["three rings is nothing", found(whole), []],
    ["a rotation that never had a ring is nothing", found(), []],
    ["keys that wait for their adoption is nothing", found({ signer: reading("adoptable") }), []],
    ["a lost ring", found({ ...whole, ring: reading("absent") }), ["ring Missing"]],
    [
      "a rotation whose ring others have seen",
      found({ claims: [{ by: "the status", generation: 1 }] }),
      ["ring Missing", "signer Missing", "public Missing"],
    ],
    ["a claim of generation 0 is nothing", found({ claims: [{ by: "a gateway", generation: 0 }] }), []],
    ["damage", found({ ...whole, ring: reading("unreadable") }), ["ring Unreadable"]],
    [
      "two that are somebody else's",
      found({ ...whole, signer: reading("foreign"), public: reading("foreign") }),
      ["signer Foreign", "public Foreign"],
    ],
    ["a key that the ring does not know", found({ ...whole, signer: reading("adoptable") }), ["signer Foreign"]],
  ])("of %s: %j", (_, seen, told) => {
    expect(troublesOf(seen).map(({ object, problem }) => `${object} ${problem}`)).toEqual(told);
  });

  it("says what the reading says, in its words", () => {
    const seen = found({ ...whole, ring: { kind: "unreadable", problem: "$.keys must be a list" } });
    expect(troublesOf(seen)).toEqual([{ object: "ring", problem: "Unreadable", message: "$.keys must be a list" }]);
  });
});

test.each<Reading>([
  { kind: "absent" },
  { kind: "foreign", problem: "it holds: colons; and more" },
  { kind: "unreadable", problem: "$.keys must be a list; request a recovery" },
])("readingOf gives back the reading that a trouble was made of: %j", (one) => {
  const [trouble] = troublesOf(found({ ...whole, signer: one }));
  expect(trouble && readingOf(trouble)).toEqual(one);
});
