import { describe, expect, test } from "vitest";
import { isLocal, namesThisMachine } from "../../src/http/local-only.ts";

describe("isLocal", () => {
  test.each(["localhost", "127.0.0.1", "127.1.2.3", "::1"])("this machine alone reaches %s", (host) => {
    expect(isLocal({ kind: "tcp", host, port: 1 })).toBe(true);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example", "1127.0.0.1"])(
    "others reach %s",
    (host) => {
      expect(isLocal({ kind: "tcp", host, port: 1 })).toBe(false);
    },
  );

  test("every address is more than this machine, a Unix socket is not", () => {
    expect(isLocal({ kind: "tcp", port: 1 })).toBe(false);
    expect(isLocal({ kind: "unix", path: "/a" })).toBe(true);
  });
});

describe("namesThisMachine", () => {
  test.each(["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "127.9.9.9", "[::1]:8081", "[::1]"])(
    "%s is it",
    (host) => {
      expect(namesThisMachine(host)).toBe(true);
    },
  );

  test.each([
    undefined,
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "evil.example:localhost",
    "localhost:",
    "localhost:a",
    "localhost.",
    "::1",
    "0.0.0.0",
    "user@localhost",
    "localhost\n",
  ])("%j is not", (host) => {
    expect(namesThisMachine(host)).toBe(false);
  });

  test.each([
    ["localhost:8081", 8081, true],
    ["localhost:8082", 8081, false],
    ["localhost:80", 80, true],
    ["localhost", 80, true],
    ["localhost", 8081, false],
    ["[::1]:8081", 8081, true],
  ])("%s at the port %i: %s", (host, port, is) => {
    expect(namesThisMachine(host, port)).toBe(is);
  });
});
