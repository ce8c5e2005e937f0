import { describe, expect, it } from "vitest";
import { keysOf, windowInForceMs } from "../../src/ring/ring.ts";
import { ringOf, settings, verifyOnly, withoutStandby } from "../support/rings.ts";
import { hour, minute, policy } from "../support/story.ts";

const { profile } = policy;

describe("keysOf", () => {
  it("lists signer, standby and verify-only keys, as JWKS does", () => {
    const ring = ringOf({ retiring: [verifyOnly("b"), verifyOnly("a")] });
    expect(keysOf(ring).map((k) => k.kid)).toStrictEqual(["k1", "k2", "b", "a"]);
    expect(keysOf(withoutStandby()).map((k) => k.kid)).toStrictEqual(["k1"]);
  });
});

describe("windowInForceMs", () => {
  it.each([
    ["the rotation window, when it is the longer", 2 * hour, hour, 2 * hour],
    ["maxTTL and twice the clock skew, when that is longer", 2 * hour, 2 * hour, 2 * hour + 2 * minute],
    ["either, when they are equal", hour + 2 * minute, hour, hour + 2 * minute],
  ])("is %s", (...[, rotationWindowMs, maxTTLMs, expected]) =>
    expect(windowInForceMs({ ...settings, rotationWindowMs }, { ...profile, maxTTLMs })).toBe(expected),
  );
});
