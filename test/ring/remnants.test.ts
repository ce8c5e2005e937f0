import { describe, expect, test } from "vitest";
import type { AdoptableKey } from "../../src/ring/plan.ts";
import { earlierCopies, halvesOf, keysLeft, newTo } from "../../src/ring/remnants.ts";
import type { Reading } from "../../src/ring/reading.ts";
import { keysOf, ordinaryKeyLimit } from "../../src/ring/ring.ts";
import { found } from "../support/found.ts";
import { ringOf } from "../support/rings.ts";

const key = (kid: string): AdoptableKey => ({ kid, algorithm: "ES256", createdAtMs: 0 });
const names = (keys: readonly AdoptableKey[]): readonly string[] => keys.map(({ kid }) => kid);
const damaged = (verifyOnly: readonly string[], signer?: AdoptableKey): Reading => ({
  kind: "unreadable",
  problem: "no JSON",
  left: { ...(signer && { signer }), verifyOnly: verifyOnly.map(key) },
});
const recovery = { alsoVerify: [] };

describe("keysLeft", () => {
  const all = { ring: damaged(["r"]), signer: damaged(["s"]), public: damaged(["p"]) };

  test("are those that are to be adopted alone where nobody asked for a recovery", () => {
    expect(keysLeft(found(all))).toEqual([]);
    const signer: Reading = { kind: "adoptable", signer: key("a"), verifyOnly: [key("b")] };
    expect(names(keysLeft(found({ ...all, signer })))).toEqual(["a", "b"]);
  });

  test("are those of every damaged object for who did", () => {
    expect(names(keysLeft(found({ ...all, recovery })))).toEqual(["s", "r", "p"]);
  });
});

describe("earlierCopies", () => {
  test("are for who asked for a recovery: a ring does not go back by itself", () => {
    const earlier = { ring: ringOf(), halves: [] };
    const ring: Reading = { kind: "unreadable", problem: "no JSON", left: { earlier, verifyOnly: [] } };
    expect(earlierCopies(found({ ring }))).toEqual([]);
    expect(earlierCopies(found({ ring, recovery }))).toEqual([earlier]);
  });
});

describe("newTo", () => {
  const remains = ringOf({ revoked: [{ kid: "revoked", revokedAtMs: 1 }] });

  test("leaves out what the ring has, what it revoked and what is brought along", () => {
    const kid = remains.signer.kid;
    const seen = found({
      signer: damaged([kid, "revoked", "brought", "new"]),
      recovery: { alsoVerify: [key("brought")] },
    });
    expect(names(newTo(remains, seen))).toEqual(["new"]);
  });

  test("is as many as there is room for", () => {
    const many = Array.from({ length: ordinaryKeyLimit }, (_, nth) => `left${nth}`);
    const room = ordinaryKeyLimit - 1 - keysOf(remains).length;
    expect(newTo(remains, found({ signer: damaged(many), recovery }))).toHaveLength(room);
  });
});

describe("halvesOf", () => {
  test("counts the private half of a damaged object only where it is the key that the ring means", () => {
    const ring = ringOf();
    const other = { ...key(ring.signer.kid), thumbprint: "another" };
    const halves = (signer: AdoptableKey): readonly string[] => halvesOf(found({ signer: damaged([], signer) }), ring);
    expect(halves(key(ring.signer.kid))).toContain(ring.signer.kid);
    expect(halves(other)).not.toContain(ring.signer.kid);
  });
});
