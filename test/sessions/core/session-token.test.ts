import { describe, expect, it } from "vitest";
import { RevokedSet, type TokenRevocation } from "../../../src/jwt/revoked-set.ts";
import {
  concerns,
  isReplaceable,
  revocableNames,
  revokedBetween,
  revokedName,
  sessionTokenOf,
} from "../../../src/sessions/core/session-token.ts";

const claims = { sub: "alice", sid: "g1", jti: "g1.7", iat: 1000, exp: 2000 };
const accepted = { ok: true, kid: "key-1", claims, expiresAtMs: 2_000_000 } as const;

describe("sessionTokenOf", () => {
  it("keeps what may end a session, and what the token says", () => {
    expect(sessionTokenOf(accepted)).toEqual({
      subject: "alice",
      kid: "key-1",
      grant: "g1",
      tokenId: "g1.7",
      issuedAtMs: 1_000_000,
      expiresAtMs: 2_000_000,
      claims: '{"sub":"alice","sid":"g1","jti":"g1.7","iat":1000,"exp":2000}',
    });
  });

  it.each([{}, { sub: "" }, { sub: 7 }, { sub: "a\ud800" }])("is nothing for a token of nobody: %o", (none) => {
    expect(sessionTokenOf({ ...accepted, claims: none })).toBeUndefined();
  });
});

const endsAtMs = 9_000_000;
const revocations: readonly TokenRevocation[] = [
  { kind: "grant", value: "g1", atMs: 0, endsAtMs },
  { kind: "grant", value: "g2", atMs: 0, endsAtMs },
  { kind: "token", value: "g1.7", atMs: 0, endsAtMs },
  { kind: "token", value: "g1", atMs: 0, endsAtMs },
  { kind: "subject", value: "alice", atMs: 999_999, endsAtMs },
  { kind: "subject", value: "alice", atMs: 1_000_000, endsAtMs },
  { kind: "subject", value: "alice", atMs: 1_000_001, endsAtMs },
  { kind: "subject", value: "bob", atMs: 5_000_000, endsAtMs },
];

describe("concerns", () => {
  it.each(revocations)("is of one mind with the set that verifiers ask: $kind $value at $atMs", (revocation) => {
    const set = new RevokedSet();
    set.add(revocation);
    const token = sessionTokenOf(accepted);
    if (token === undefined) throw new Error("a token of nobody");
    expect(concerns(revocation, token)).toBe(set.has(claims));
    if (set.has(claims)) expect(revocableNames(token)).toContain(revokedName(revocation));
  });

  it("ends the sessions of a key, and lets their owners come back with another", () => {
    const token = { subject: "alice", kid: "key-1", claims: "" };
    expect(concerns({ kind: "key", value: "key-1" }, token)).toBe(true);
    expect(concerns({ kind: "key", value: "key-2" }, token)).toBe(false);
    expect(isReplaceable({ kind: "key", value: "key-1" })).toBe(true);
    expect(isReplaceable(revocations[0] ?? { kind: "key", value: "" })).toBe(false);
  });
});

describe("revokedBetween", () => {
  it("names what has become revoked, and no key that is merely gone", () => {
    const before = { revokedKids: new Set(["a"]) };
    expect(revokedBetween(before, { revokedKids: new Set(["a", "b"]) })).toEqual([{ kind: "key", value: "b" }]);
    expect(revokedBetween(before, { revokedKids: new Set() })).toEqual([]);
  });
});
