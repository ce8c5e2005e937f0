import { describe, expect, test } from "vitest";
import { bearerOf } from "../../src/http/bearer.ts";

describe("credentialsOf", () => {
  test.each([
    [["Authorization", "Bearer a.b.c"], { token: "a.b.c" }],
    [["authorization", "bearer a.b.c"], { token: "a.b.c" }],
    [["AUTHORIZATION", "BEARER   a.b.c"], { token: "a.b.c" }],
    [["Host", "x", "Authorization", "Bearer a", "X", "y"], { token: "a" }],
    [[], { flaw: "CredentialsMissing" }],
    [["X-Authorization", "Bearer a"], { flaw: "CredentialsMissing" }],
    [["Authorization", "Bearer a", "authorization", "Bearer a"], { flaw: "CredentialsRepeated" }],
    [["Authorization", "", "authorization", "Bearer a"], { flaw: "CredentialsRepeated" }],
    [["Authorization", ""], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Bearer"], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Bearer "], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Basic YTpi"], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Bearer a b"], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Bearer a,Bearer b"], { flaw: "SchemeNotBearer" }],
    [["Authorization", "Bearera.b.c"], { flaw: "SchemeNotBearer" }],
    [["Authorization", "DPoP a.b.c"], { flaw: "SchemeNotBearer" }],
  ])("%j: %j", (headers, expected) => {
    expect(bearerOf(headers)).toEqual(expected);
  });
});
