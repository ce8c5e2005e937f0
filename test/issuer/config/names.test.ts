import { describe, expect, test } from "vitest";
import { childSubject, isChildSubject } from "../../../src/issuer/config/names.ts";

describe("the subject of a grant below another one", () => {
  test.each([
    [{ kind: "agent", id: "a" } as const, "user:7/agent/a"],
    [{ kind: "agent", id: "a/path" } as const, "user:7/agent/a%2Fpath"],
    [{ kind: "workspace", id: "%2F\n" } as const, "user:7/workspace/%252F\n"],
    [{ kind: "path" } as const, "user:7/path"],
  ])("for %j is %j, which nobody else may have", (name, subject) => {
    expect(childSubject("user:7", name)).toBe(subject);
    expect(isChildSubject(subject)).toBe(true);
    expect(isChildSubject(childSubject(subject, name))).toBe(true);
  });

  test.each([
    "user:7",
    "path",
    "/path",
    "agent/a",
    "user:7/agent",
    "user:7/agents/a",
    "user:7/path/x",
    "user:7/agent/a/b",
    "user:7/agent/",
    "spiffe://example.org/ns/shop/sa/web",
  ])("is not %j", (subject) => expect(isChildSubject(subject)).toBe(false));
});
