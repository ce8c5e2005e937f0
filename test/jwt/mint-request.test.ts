import { describe, expect, test } from "vitest";
import { readMintRequest } from "../../src/jwt/mint-request.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";

describe("readMintRequest", () => {
  test.each([
    ['{"sub":"alice"}', { subject: "alice" }],
    [
      '{"sub":"alice","audience":"api","ttlSeconds":60,"claims":{"a":[1]},"type":"at+jwt"}',
      { subject: "alice", audience: "api", ttlMs: 60_000, claims: { a: [1] }, type: "at+jwt" },
    ],
    ['{"sub":"x","claims":{}}', { subject: "x", claims: {} }],
  ])("reads %s", (text, request) => {
    expect(readMintRequest(text)).toEqual(request);
  });

  test.each([
    ["", "$: must be a JSON object"],
    ["[]", "$: must be a JSON object"],
    ['{"sub":"a","sub":"b"}', "$: must have each member once"],
    ['{"sub":"a","claims":{"b":1,"b":2}}', "$: must have each member once"],
    [`{"sub":"a","claims":{"b":${"[".repeat(15)}${"]".repeat(15)}}}`, "$: must not be deeper than 16"],
    ["{}", "$.sub: is missing"],
    ['{"sub":""}', '$.sub: must be a text of 1 to 255 characters without control characters, is ""'],
    ['{"sub":1}', "$.sub: must be a text of 1 to 255 characters without control characters, is 1"],
    ['{"sub":"a\\nb"}', '$.sub: must be a text of 1 to 255 characters without control characters, is "a\\nb"'],
    ['{"sub":"a","aud":"api"}', "$.aud: is not known"],
    [
      '{"sub":"a","audience":["api"]}',
      "$.audience: must be a text of 1 to 255 characters without control characters, is a list",
    ],
    ['{"sub":"a","ttlSeconds":0}', "$.ttlSeconds: must be a whole number from 1 to 9007199254740, is 0"],
    ['{"sub":"a","ttlSeconds":1.5}', "$.ttlSeconds: must be a whole number from 1 to 9007199254740, is 1.5"],
    ['{"sub":"a","ttlSeconds":"60"}', '$.ttlSeconds: must be a whole number from 1 to 9007199254740, is "60"'],
    ['{"sub":"a","claims":[]}', "$.claims: must be an object"],
    ['{"sub":"a","claims":null}', "$.claims: must be an object"],
    ['{"sub":"a","type":"jwt"}', '$.type: must be one of JWT, at+jwt, is "jwt"'],
    ['{"sub":"a","__proto__":{}}', "$.__proto__: is not known"],
  ])("refuses %s", (text, reason) => {
    expect(() => readMintRequest(text)).toThrow(new ChangeNeededError("MintRequestInvalid", `Cannot mint: ${reason}`));
  });

  test.each([
    [255, true],
    [256, false],
  ])("a subject of %d characters: %s", (length, isTaken) => {
    const read = (): unknown => readMintRequest(JSON.stringify({ sub: "x".repeat(length) }));
    if (isTaken) expect(read()).toEqual({ subject: "x".repeat(length) });
    else expect(read).toThrow(ChangeNeededError);
  });
});
