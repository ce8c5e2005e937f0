import { describe, expect, test } from "vitest";
import { claimAt, claimPathOf, fillIn, longestSubject, templateOf } from "../../../src/issuer/config/claims.ts";

const claims = {
  sub: "anna",
  "a/b": "slash",
  "m~n": "tilde",
  nothing: null,
  list: ["x"],
  "kubernetes.io": { namespace: "ci", pod: { name: "p-1" } },
  colons: "a:b",
  lines: "a\nb",
  separator: "a\u2028b",
  half: "\ud800",
  empty: "",
  number: 7,
  long: "a".repeat(longestSubject),
};

const valueOf = (text: string): unknown => {
  const path = claimPathOf(text);
  return path && claimAt(claims, path);
};

describe("claimAt", () => {
  test.each([
    ["sub", "anna"],
    ["a/b", "slash"],
    ["/a~1b", "slash"],
    ["/m~0n", "tilde"],
    ["kubernetes.io", claims["kubernetes.io"]],
    ["/kubernetes.io/namespace", "ci"],
    ["/kubernetes.io/pod/name", "p-1"],
    ["/kubernetes.io/pod/uid", undefined],
    ["/sub/length", undefined],
    ["/list/0", undefined],
    ["/nothing/at", undefined],
    ["__proto__", undefined],
    ["constructor", undefined],
    ["/kubernetes.io/constructor", undefined],
  ])("%j", (path, value) => expect(valueOf(path)).toEqual(value));

  test.each(["", "/a~", "/a~2"])("%j is no path", (text) => expect(claimPathOf(text)).toBeUndefined());
});

function subjectOf(text: string): string | { problem: string } {
  const template = templateOf(text);
  if (typeof template === "string") throw new Error(template);
  const filled = fillIn(template, claims);
  return typeof filled === "string" ? filled : { problem: filled.problem.text };
}

describe("fillIn", () => {
  test.each([
    ["fixed", "fixed"],
    ["{sub}", "anna"],
    ["k8s:{/kubernetes.io/namespace}:{sub}!", "k8s:ci:anna!"],
    ["last may have it: {sub}:{colons}", "last may have it: anna:a:b"],
    ["{colons}-{sub}", "a:b-anna"],
  ])("%j", (template, subject) => expect(subjectOf(template)).toBe(subject));

  test.each([
    ["{missing}", "missing"],
    ["{nothing}", "nothing"],
    ["{list}", "list"],
    ["{number}", "number"],
    ["{empty}", "empty"],
    ["{lines}", "lines"],
    ["{separator}", "separator"],
    ["{half}", "half"],
    ["{kubernetes.io}", "kubernetes.io"],
    ["{colons}:{sub}", "colons"],
    ["{colons}::{sub}", "colons"],
    ["x{long}", "long"],
    ["{long}x", "long"],
  ])("%j can't be filled in", (template, problem) => expect(subjectOf(template)).toEqual({ problem }));

  test("two callers never get one subject, whatever their claims are", () => {
    const template = templateOf("{a}::{b}");
    if (typeof template === "string") throw new Error(template);
    const parts = ["", "p", ":", "p:", ":p", "::", "p::q"];
    const made = new Map<string, string>();
    for (const a of parts)
      for (const b of parts) {
        const subject = fillIn(template, { a, b });
        if (typeof subject !== "string") continue;
        expect([undefined, JSON.stringify([a, b])]).toContain(made.get(subject));
        made.set(subject, JSON.stringify([a, b]));
      }
    expect(made.size).toBeGreaterThan(3);
  });
});
