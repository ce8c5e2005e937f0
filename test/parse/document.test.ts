import { describe, expect, test } from "vitest";
import { parseJson, sizeLimit } from "../../src/parse/document.ts";

const subject = { code: "Unreadable", action: "Cannot read it" };
const problemOf = (text: string, publicOnly = false): string => {
  try {
    parseJson(text, { subject, publicOnly });
    return "none";
  } catch (error) {
    return String(error);
  }
};
const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("parseJson", () => {
  test("reads a document at $", () => {
    const cursor = parseJson('{"a":["b"]}', { subject, publicOnly: true });
    expect([cursor.path, cursor.fields().at("a").list(1)[0]?.text(1)]).toEqual(["$", "b"]);
  });

  test.each([
    ["{", "$: must be JSON"],
    ['{"a":{"kid":1,"kid":2}}', "$.a.kid: must stand once, stands twice"],
    [nested(65), "$: must not be deeper than 64"],
    [`"${"a".repeat(sizeLimit - 1)}"`, `$: must measure at most ${sizeLimit} bytes, measures ${sizeLimit + 1}`],
  ])("refuses what is wrong: %#", (text, reason) => {
    expect(problemOf(text)).toBe(`ChangeNeededError: Cannot read it: ${reason}`);
  });

  test.each([nested(64), `"${"a".repeat(sizeLimit - 2)}"`])("takes what is at the limit: %#", (text) => {
    expect(problemOf(text)).toBe("none");
  });

  test.each([
    ['{"d":1}', "$.d"],
    ['{"keys":[{"kty":"EC"},{"jwk":{"oth":[]}}]}', "$.keys[1].jwk.oth"],
    ['{"privateJwk":{"d":"AA"}}', "$.privateJwk"],
  ])("refuses the private member in %s where all must be public, and takes it elsewhere", (text, path) => {
    expect(problemOf(text, true)).toBe(`ChangeNeededError: Cannot read it: ${path}: is private and must not be public`);
    expect(problemOf(text)).toBe("none");
  });
});
