import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkOwnedHeaders, ownedHeaders } from "../../../src/gateway/faces/owned-headers.ts";

const owned = [{ claim: "sub", header: "X-Auth-Subject" }];
const valueOf = (sub: unknown): string | undefined => ownedHeaders(owned, { sub })[1];

describe("ownedHeaders", () => {
  test("sets every owned header, empty where there is no claim", () => {
    const both = [...owned, { claim: "scope", header: "X-Auth-Scope" }];
    expect(ownedHeaders(both, { sub: "alice" })).toEqual(["X-Auth-Subject", "alice", "X-Auth-Scope", ""]);
  });

  test("takes no inherited member for a claim", () => {
    expect(ownedHeaders([{ claim: "constructor", header: "X-A" }], {})).toEqual(["X-A", ""]);
  });

  test.each([
    ["alice", "alice"],
    ["a b", "a b"],
    [" a ", "%20a%20"],
    ["a,b", "a,b"],
    ["100%", "100%25"],
    ["jürgen", "j%C3%BCrgen"],
    ["a\r\nX-Admin: 1", "a%0D%0AX-Admin: 1"],
    ["\u0000", "%00"],
    ["\ud800", "%EF%BF%BD"],
    ["", ""],
    [7, "7"],
    [true, "true"],
    [["a", "b"], "a,b"],
    [["a,b", "c d", 1], "a%2Cb,c%20d,1"],
    [[{ a: 1 }, "b"], ",b"],
    [{ a: 1 }, ""],
    [null, ""],
    [undefined, ""],
  ])("%j becomes %j", (claim, value) => {
    expect(valueOf(claim)).toBe(value);
  });

  test("is given back by decodeURIComponent, and never ends a header", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const value = valueOf(text) ?? "";
        expect(decodeURIComponent(value)).toBe(text.toWellFormed());
        expect(value).toMatch(/^(?:[!-~](?:[ -~]*[!-~])?)?$/);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", minLength: 1 }), { minLength: 1 }), (texts) => {
        const value = valueOf(texts) ?? "";
        expect(value.split(",").map(decodeURIComponent)).toEqual(texts.map((text) => text.toWellFormed()));
      }),
    );
  });
});

describe("checkOwnedHeaders", () => {
  test.each([
    ["X-Auth-Subject", undefined],
    ["Content-Length", "must not be one that HTTP gives a meaning to"],
    ["www-authenticate", "must not be one that HTTP gives a meaning to"],
    ["Authorization", "must not be one that HTTP gives a meaning to"],
    ["X Y", "must be letters, digits and -"],
    ["X_Y", "must be letters, digits and -"],
    ["", "must be letters, digits and -"],
    ["X\r\nY", "must be letters, digits and -"],
  ])("%j: %s", (header, problem) => {
    const check = () => checkOwnedHeaders([{ claim: "sub", header }]);
    if (problem === undefined) expect(check()).toHaveLength(1);
    else expect(check).toThrow(`Cannot own header ${JSON.stringify(header)}: ${problem}`);
  });

  test("refuses a header that stands twice, in any case", () => {
    const twice = [...owned, { claim: "a", header: "x-auth-subject" }];
    expect(() => checkOwnedHeaders(twice)).toThrow("must stand once");
  });
});
