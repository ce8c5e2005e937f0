import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nativeBuildMs, nativeNeeds, nativeSignatures } from "../../hack/native.ts";
import { membersIn } from "../../src/jwt/json-segment.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import { tokenDepthLimit } from "../../src/jwt/reasons.ts";
import type { Sign, Signatures, Verify } from "../../src/jwt/signatures.ts";
import { verifyOf } from "../../src/jwt/verify-of.ts";
import { textOf } from "../jwt/support/signed.ts";
import { keyOf, privateKeyOf, reasonOf, tokenOf, verifierOf } from "../jwt/support/world.ts";
import { pairOf } from "../support/keys.ts";

const missing = nativeNeeds();
let native: Signatures;
let sign: Sign;
let verify: Verify;

beforeAll(async () => {
  if (missing !== undefined) return;
  native = await nativeSignatures();
  const pair = pairOf("EdDSA");
  sign = native.signer(privateKeyOf(pair), "EdDSA");
  verify = verifyOf("EdDSA", pair.material.publicJwk, native);
}, nativeBuildMs);

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

/** Is it said of the text that somebody has looked at it? */
function isSeen(text: string): boolean {
  const answer = verify(sign("h", text), 1, 0);
  expect(textOf(answer)).toBe(text);
  return typeof answer === "string";
}

const nested = (open: string, close: string, levels: number): string =>
  `${open.repeat(levels)}1${close.repeat(levels)}`;
const named = (count: number, of: (nth: number) => string = String): string =>
  `{${Array.from({ length: count }, (_, nth) => `"${of(nth)}":${nth}`).join(",")}}`;

/** What is done while every object has a name that nobody gave it. */
function polluted<Result>(act: () => Result): Result {
  Object.defineProperty(Object.prototype, "strange", {
    value: 1,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  try {
    return act();
  } finally {
    Reflect.deleteProperty(Object.prototype, "strange");
  }
}

describe("native signatures: the look for names that stand twice and for depth", () => {
  test.each<readonly [what: string, text: string, isSeen: boolean]>([
    ["nothing", "{}", true],
    ["members", '{"a":1,"b":[1,{"a":2},{"a":3}],"c":{"a":"}]:,{["}}', true],
    ["spaces", '\n{ "a" : 1 , "b" : 2 } ', true],
    ["names beyond ASCII", '{"ä":"ö","a":"€","😀":"b"}', true],
    [
      "names that differ in one character",
      '{"abcdefgh1":1,"abcdefgh2":2,"1abcdefgh":3,"abcdefgh":4,"abcdefg":5,"":6}',
      true,
    ],
    ["the same name in objects of their own", '{"a":{"a":{"a":1}},"b":{"a":2},"c":[{"a":1},{"a":1}]}', true],
    ["a name twice", '{"a":1,"a":2}', false],
    ["a name twice with spaces", '{"a" : 1 , "a"\t: 2}', false],
    ["no name twice", '{"":1,"":2}', false],
    ["a long name twice", '{"a23456789012345678":1,"b":2,"a23456789012345678":3}', false],
    ["a name twice, an object between", '{"a":1,"b":{"c":[{"d":1}]},"a":2}', false],
    ["a name twice, deep within", '{"x":[[{"y":{"a":1,"b":2,"a":3}}]]}', false],
    ["an escape in a name", '{"\\u0061":1}', false],
    ["an escape in a text", '{"a":"\\""}', false],
    ["objects as deep as the limit", nested('{"a":', "}", tokenDepthLimit), true],
    ["objects deeper than the limit", nested('{"a":', "}", tokenDepthLimit + 1), false],
    ["lists as deep as the limit", nested("[", "]", tokenDepthLimit), true],
    ["lists deeper than the limit", nested("[", "]", tokenDepthLimit + 1), false],
    ["very many lists side by side", `[${"[],".repeat(500)}1]`, true],
    ["64 names", named(64), true],
    ["65 names", named(65), false],
    ["64 names after as many that are closed", `[${named(64)},${named(64)}]`, true],
    ["no JSON: a bracket that opens nothing", "}", false],
    ["no JSON: a name of nothing", '"a":1', false],
  ])("%s", (_, text, expected) => {
    expect(isSeen(text)).toBe(expected);
  });

  test.each(Array.from({ length: 24 }, (_, length) => length))(
    "sees a name twice at any place: %i spaces before",
    (length) => {
      const [before, name] = [" ".repeat(length), "n".repeat(length)];
      expect(isSeen(`${before}{"${name}":1,"b":2}`)).toBe(true);
      expect(isSeen(`${before}{"${name}":1,"b":2,"${name}":3}`)).toBe(false);
      expect(isSeen(`${before}{"a":"${name}","b":"${name}:"}`)).toBe(true);
    },
  );

  /** Names that stand twice now and then, escapes, quotes, depth, and what is no JSON. */
  const piece = fc.oneof(
    fc.constantFrom("{", "}", "[", "]", ":", ",", '"', "\\", " ", "1", "*", "2", "|"),
    fc.constantFrom(
      '"a":',
      '"b":1,',
      '"\\u0061":1',
      '{"a":1,',
      "é",
      "[[[[[[[[[[[[[[[[",
      "]]]]]]]]]]]]]]]]",
      '"a\\\\":{',
      '"€":"{",',
    ),
  );
  const made = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
  const name = fc.oneof(
    fc.constantFrom("a", "b", "", "iss", "abcdefghij", "\\", '"', "ä"),
    fc.string({ unit: "binary" }),
  );
  const members: fc.Arbitrary<string> = fc.letrec((tie) => ({
    object: fc
      .array(fc.tuple(name, tie("value")), { maxLength: 6 })
      .map((all) => `{${all.map(([of, value]) => `${JSON.stringify(of)}:${String(value)}`).join(",")}}`),
    value: fc.oneof(
      { maxDepth: 6 },
      fc.json({ maxDepth: 1 }),
      fc.array(tie("value"), { maxLength: 3 }).map((all) => `[${all.join(",")}]`),
      tie("object"),
    ),
  })).object;

  test("says so of no document in which the slow look finds something", () => {
    const document = fc.oneof(made, members, fc.json({ maxDepth: 20 }), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(document, (written) => {
        const text = Buffer.from(written).toString();
        const read = membersIn(text);
        fc.pre(read === "DuplicateMember" || read === "TooDeep");
        expect([text, isSeen(text)]).toEqual([text, false]);
      }),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  });

  test("says so of all else, but for escapes and very many names", () => {
    const document = fc.oneof(
      members,
      fc.object({ maxDepth: 4, maxKeys: 10 }).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(document, (written) => {
        const text = Buffer.from(written).toString();
        fc.pre(typeof membersIn(text) === "object" && !text.includes("\\") && text.split(":").length <= 64);
        expect([text, isSeen(text)]).toEqual([text, true]);
      }),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  });

  test("a verifier gives the same verdict whoever looks", () => {
    const [ours, theirs] = [verifierOf({}, { signatures: native }), verifierOf({}, { signatures: nodeSignatures })];
    const pair = keyOf("EdDSA");
    fc.assert(
      fc.property(fc.oneof(made, members), fc.boolean(), (written, isWithin) => {
        const claims = isWithin ? JSON.stringify({ iss: 1 }).replace("1", written) : written;
        const token = tokenOf({ pair, claims });
        expect([claims, reasonOf(token, ours)]).toEqual([claims, reasonOf(token, theirs)]);
      }),
      { numRuns: 300 },
    );
  });

  test.each(["native", "node:crypto"] as const)(
    "where every object has a name that nobody gave it, %s refuses all",
    (who) => {
      const verifier = verifierOf({}, { signatures: who === "native" ? native : nodeSignatures, cacheEntries: 0 });
      const token = tokenOf();
      expect(reasonOf(token, verifier)).toBe("ok");
      expect(polluted(() => reasonOf(token, verifier))).toBe("DuplicateMember");
      expect(reasonOf(token, verifier)).toBe("ok");
    },
  );
});
