import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Keys, ringKeys, verifyingKeys, type KnownHeader } from "../../src/jwt/keys.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import { base64url, keyOf, ringOfAll } from "./support/world.ts";

const { kid } = keyOf("ES256");
const keysOfAll = (): Keys =>
  new Keys(
    verifyingKeys(ringKeys(ringOfAll()), new Map(), { cacheEntries: 0, signatures: nodeSignatures }),
    new Set(["revoked"]),
  );

/** A header of another minter. */
const partOf = (nth: number, pad = ""): string => base64url(JSON.stringify({ alg: "ES256", kid, nth, pad }));

function found(keys: Keys, part: string): KnownHeader {
  const header = keys.known(part) ?? keys.read(part);
  if (typeof header === "string") throw new TypeError(header);
  return header;
}

const isKnown = (keys: Keys, part: string): boolean => keys.known(part) !== undefined;

describe("Keys", () => {
  test("knows the headers that our own minter writes", () => {
    const keys = keysOfAll();
    for (const typ of ["JWT", "at+jwt"] as const) {
      const part = base64url(JSON.stringify({ alg: "ES256", typ, kid }));
      expect(found(keys, part)).toMatchObject({ key: keys.byKid.get(kid), type: typ.toLowerCase() });
      expect(isKnown(keys, part)).toBe(true);
    }
  });

  test("learns as many as 64 headers of others, and reads the rest anew", () => {
    const keys = keysOfAll();
    const parts = Array.from({ length: 65 }, (_, nth) => partOf(nth));
    expect(parts.some((part) => isKnown(keys, part))).toBe(false);
    for (const part of parts) keys.learn(part, found(keys, part));
    expect(parts.map((part) => isKnown(keys, part))).toEqual(parts.map((_, nth) => nth < 64));
  });

  test("learns no header that is longer than 512 characters", () => {
    const keys = keysOfAll();
    const bare = Buffer.from(partOf(1), "base64url").length;
    const [fits = "", tooLong = ""] = [384, 385].map((bytes) => partOf(1, "x".repeat(bytes - bare)));
    for (const part of [fits, tooLong]) keys.learn(part, found(keys, part));
    expect([fits.length, isKnown(keys, fits), isKnown(keys, tooLong)]).toEqual([512, true, false]);
  });

  test("keeps of a token no more than the header that it learned", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const keys = keysOfAll();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let nth = 0; nth < 32; nth++) {
      const token = Buffer.from(`${partOf(nth)}.${"x".repeat(1 << 19)}`).toString("latin1");
      const part = token.slice(0, token.indexOf("."));
      keys.learn(part, found(keys, part));
    }
    collect();
    expect(isKnown(keys, partOf(31))).toBe(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 << 20);
  });

  test.each([
    [{ alg: "ES256", kid: "revoked" }, "KeyRevoked"],
    [{ alg: "ES256", kid: "other" }, "KidUnknown"],
    [{ alg: "ES384", kid }, "AlgorithmMismatch"],
  ])("refuses %j: %s", (header, reason) => {
    const part = base64url(JSON.stringify(header));
    expect([keysOfAll().known(part), keysOfAll().read(part)]).toEqual([undefined, reason]);
  });
});
