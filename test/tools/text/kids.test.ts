import { describe, expect, test } from "vitest";
import { kidNamed } from "../../../src/tools/text/kids.ts";
import { active, prepared, ringOf } from "../../support/rings.ts";
import { epoch } from "../../support/story.ts";

const ring = ringOf({
  signer: active("abcdefgh-signer"),
  standby: prepared("abcdefgh-standby"),
  revoked: [{ kid: "12345678-revoked", revokedAtMs: epoch }],
});

describe("kidNamed", () => {
  test("takes a whole kid", () => {
    expect(kidNamed("abcdefgh-signer", ring)).toBe("abcdefgh-signer");
  });

  test.each(["12345678", "1", "12345678…", "12345678..", "1234567..."])(
    "takes a beginning that one kid has, also as the tools print it, of a revoked kid as well: %s",
    (text) => {
      expect(kidNamed(text, ring)).toBe("12345678-revoked");
    },
  );

  test.each(["", "…", "..", "2", "1234567.", "…1"])("takes nothing for a beginning that has none: %j", (text) => {
    expect(kidNamed(text, ring)).toBeUndefined();
  });

  test("takes no text that is no beginning of a kid", () => {
    expect(kidNamed("12345678-revoked-and-more", ring)).toBeUndefined();
  });

  test("refuses a prefix of several kids, and names them", () => {
    expect(() => kidNamed("abcdefgh-s", ring)).toThrow(
      'Cannot take "abcdefgh-s" for a kid: must name one key, names abcdefgh-signer and abcdefgh-standby',
    );
  });

  test("prefers the whole kid to a longer one that begins with it", () => {
    const both = ringOf({ signer: active("abcdefgh"), standby: prepared("abcdefgh2") });
    expect(kidNamed("abcdefgh", both)).toBe("abcdefgh");
  });
});
