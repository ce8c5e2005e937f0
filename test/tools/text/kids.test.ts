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

  test("takes a prefix of 8 characters, of a revoked kid as well", () => {
    expect(kidNamed("12345678", ring)).toBe("12345678-revoked");
  });

  test("takes no prefix of 7 characters", () => {
    expect(kidNamed("1234567", ring)).toBeUndefined();
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
