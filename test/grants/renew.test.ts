import { describe, expect, it } from "vitest";
import { type Grant, mostRenewals } from "../../src/grants/grant.ts";
import { type RefreshToken } from "../../src/grants/refresh-token.ts";
import { beginGrant, reissue, type Renewal, type RenewalRequest, renew } from "../../src/grants/renew.ts";

const startMs = 1_800_000_000_000;
const windowMs = 30_000;
const day = 86_400_000;
const seed = {
  id: new Uint8Array(16).fill(7),
  markKey: new Uint8Array(32).fill(8),
  secret: new Uint8Array(32).fill(9),
};

interface Told {
  readonly grant: Grant;
  /** Every token that was given out; the last one may be current. */
  readonly tokens: readonly RefreshToken[];
}

function begun(lifetime: Partial<Grant> = {}): Told {
  const { grant, token } = beginGrant(seed, { refreshTtlMs: day, ...lifetime }, { nowMs: startMs });
  return { grant, tokens: [token] };
}

function ask(grant: Grant, shown: RefreshToken | undefined, more: Partial<RenewalRequest> & { atMs: number }): Renewal {
  if (!shown) throw new Error("there is no such token");
  const { atMs, ...rest } = more;
  const salt = new Uint8Array(32).fill(grant.generation + 1);
  return renew(grant, {
    shown,
    isProven: false,
    nowMs: startMs + atMs,
    salt,
    policy: { retryWindowMs: windowMs },
    ...rest,
  });
}

/** The grant after one renewal of its current token at each of these times. */
function renewedAt({ grant, tokens }: Told, ...timesMs: readonly number[]): Told {
  return timesMs.reduce<Told>(
    (told, atMs) => {
      const answer = ask(told.grant, told.tokens.at(-1), { atMs });
      if (answer.kind !== "renewed") throw new Error(`it was ${answer.kind}`);
      return { grant: answer.grant, tokens: [...told.tokens, answer.successor] };
    },
    { grant, tokens },
  );
}

const inShort = (answer: Renewal): string =>
  answer.kind === "refused" ? answer.reason : answer.kind === "renewed" ? answer.why : answer.kind;

describe("renew, by what is shown and when", () => {
  const told = renewedAt(begun(), 1000, 100_000);
  const [oldest, before, current] = told.tokens;
  const ahead = renewedAt(told, 200_000).tokens.at(-1);
  it.each<[string, RefreshToken | undefined, Pick<RenewalRequest, "isProven"> & { atMs: number }, string]>([
    ["the current one", current, { atMs: 100_001, isProven: false }, "current"],
    ["the current one, with proof", current, { atMs: 200_000, isProven: true }, "current"],
    ["the one before, at once", before, { atMs: 100_000, isProven: false }, "replayed"],
    ["the one before, at the end of the window", before, { atMs: 129_999, isProven: false }, "replayed"],
    ["the one before, when the window has passed", before, { atMs: 130_000, isProven: false }, "ended"],
    ["the one before, by a clock that is behind", before, { atMs: 99_000, isProven: false }, "replayed"],
    ["the one before in the window, with proof", before, { atMs: 129_999, isProven: true }, "replayed"],
    ["the one before later, with proof", before, { atMs: 130_000, isProven: true }, "replaced"],
    ["an older one that was replaced long ago", oldest, { atMs: 100_001, isProven: false }, "ended"],
    ["an older one, with proof", oldest, { atMs: 100_001, isProven: true }, "replaced"],
    ["one that the row does not know yet", ahead, { atMs: 100_001, isProven: false }, "unknown"],
    ["one that the row does not know yet, with proof", ahead, { atMs: 100_001, isProven: true }, "unknown"],
  ])("%s", (...[, shown, when, expected]) => {
    expect(inShort(ask(told.grant, shown, when))).toBe(expected);
  });

  it("forgives a slow twin of a fast process until the window has passed since its token was replaced", () => {
    const fast = renewedAt(begun(), 1000, 2000, 3000);
    expect(inShort(ask(fast.grant, fast.tokens[0], { atMs: 30_999 }))).toBe("superseded");
    expect(inShort(ask(fast.grant, fast.tokens[0], { atMs: 31_000 }))).toBe("ended");
    expect(inShort(ask(fast.grant, fast.tokens[1], { atMs: 31_000 }))).toBe("superseded");
  });
});

describe("renew", () => {
  it("gives the successor of the window once more, to the byte, and writes nothing", () => {
    const { grant, tokens } = renewedAt(begun(), 1000);
    const answer = ask(grant, tokens[0], { atMs: 2000 });
    expect(answer).toEqual({ kind: "replayed", successor: tokens[1] });
  });

  it("moves the end with each renewal, by the TTL that was asked for, and the generation by one", () => {
    const { grant } = renewedAt(begun({ refreshTtlMs: 30 * day }), day, 2 * day, 3 * day, 4 * day, 5 * day);
    expect(grant).toMatchObject({ generation: 5, expiresAtMs: startMs + 35 * day, refreshTtlMs: 30 * day });
  });

  it("obeys a cap that was lowered from the next renewal on", () => {
    const { grant, tokens } = begun({ refreshTtlMs: 30 * day });
    const policy = { retryWindowMs: windowMs, maxRefreshTtlMs: 7 * day };
    expect(ask(grant, tokens[0], { atMs: 1000, policy })).toMatchObject({
      grant: { expiresAtMs: startMs + 1000 + 7 * day },
    });
  });

  it("never moves the end past not_after", () => {
    const { grant } = renewedAt(begun({ notAfterMs: startMs + 2000 }), 1000);
    expect(grant.expiresAtMs).toBe(startMs + 2000);
  });

  it("refuses what has expired, to the millisecond", () => {
    const { grant, tokens } = begun({ refreshTtlMs: 1000 });
    expect(inShort(ask(grant, tokens[0], { atMs: 999 }))).toBe("current");
    expect(inShort(ask(grant, tokens[0], { atMs: 1000 }))).toBe("expired");
  });

  it.each(["revoked", "reused"] as const)("says why a grant has ended: %s", (reason) => {
    const { grant, tokens } = begun();
    const ended = { ...grant, revoked: { atMs: startMs, reason } };
    expect(inShort(ask(ended, tokens[0], { atMs: 1, isProven: true }))).toBe(reason);
  });

  it("tells nothing, and ends nothing, for a token whose mark does not fit", () => {
    const { grant, tokens } = renewedAt(begun(), 1000, 100_000);
    const [old] = tokens;
    if (!old) throw new Error("there is none");
    const made = [
      { ...old, mark: new Uint8Array(16) },
      { ...old, generation: 1 },
      { ...old, secret: new Uint8Array(32) },
      { ...old, grantId: new Uint8Array(16) },
    ];
    const ended = { ...grant, revoked: { atMs: startMs, reason: "revoked" as const } };
    for (const shown of made) {
      expect(inShort(ask(grant, shown, { atMs: 200_000 }))).toBe("unknown");
      expect(inShort(ask(ended, shown, { atMs: 200_000 }))).toBe("unknown");
    }
  });

  it("answers more than eight renewals in a window with the current token, until the first has left it", () => {
    const times = Array.from({ length: mostRenewals }, (_, n) => 1000 + n);
    const { grant, tokens } = renewedAt(begun(), ...times);
    const answer = ask(grant, tokens.at(-1), { atMs: 30_999 });
    expect(answer).toEqual({ kind: "replayed", successor: tokens.at(-1) });
    expect(inShort(ask(grant, tokens.at(-1), { atMs: 31_000 }))).toBe("current");
  });
});

describe("a clock that was hours ahead, and was set back", () => {
  const aheadMs = 10 * 3_600_000;
  const times = Array.from({ length: mostRenewals + 1 }, (_, n) => aheadMs + n * 60_000);
  const { grant, tokens } = renewedAt(begun(), ...times);
  const [before, current] = tokens.slice(-2);

  it("holds up no renewal, however often the grant was renewed meanwhile, and puts its end right", () => {
    const answer = ask(grant, current, { atMs: 1000 });
    if (answer.kind !== "renewed") throw new Error(`it was ${answer.kind}`);
    expect(answer.grant.expiresAtMs).toBe(grant.expiresAtMs - (times.at(-1) ?? 0) + 1000);
    expect(inShort(ask(answer.grant, current, { atMs: 1000 + windowMs }))).toBe("ended");
  });

  it("takes nobody who asks again for a thief", () => {
    expect(inShort(ask(grant, before, { atMs: 1000 }))).toBe("replayed");
  });
});

describe("renew in the place of a successor that was lost", () => {
  const told = renewedAt(begun(), 1000);
  const [first, lost] = told.tokens;
  const answer = ask(told.grant, first, { atMs: 100_000, isProven: true });
  if (answer.kind !== "renewed") throw new Error(`it was ${answer.kind}`);

  it("gives a generation that nobody had", () => {
    expect(answer.successor.generation).toBe(2);
  });

  it("takes the lost one for old from then on", () => {
    expect(inShort(ask(answer.grant, lost, { atMs: 100_001 }))).toBe("superseded");
    expect(inShort(ask(answer.grant, lost, { atMs: 130_000 }))).toBe("ended");
  });

  it("gives the new one again in the window for a proof alone: a thief may have the token that it came from", () => {
    expect(ask(answer.grant, first, { atMs: 100_001, isProven: true })).toEqual({
      kind: "replayed",
      successor: answer.successor,
    });
    expect(inShort(ask(answer.grant, first, { atMs: 100_001 }))).toBe("ended");
  });

  it("lets the owner in with the lost one, should it have arrived after all", () => {
    expect(inShort(ask(answer.grant, lost, { atMs: 100_001, isProven: true }))).toBe("replaced");
  });
});

describe("renew after a restored backup", () => {
  const backup = renewedAt(begun(), 100_000);
  const later = renewedAt(backup, 200_000, 300_000, 400_000);
  const [, , second, third, fourth] = later.tokens;
  const policy = { retryWindowMs: windowMs, recoverGrantsUntilMs: startMs + 1_000_000 };
  const recovered = ask(backup.grant, third, { atMs: 500_000, policy });
  if (recovered.kind !== "renewed") throw new Error(`it was ${recovered.kind}`);

  it("carries the row forward while that is allowed, above the token that was shown", () => {
    expect(recovered).toMatchObject({ why: "recovered", successor: { generation: 4 } });
    expect(inShort(ask(backup.grant, third, { atMs: 999_999, policy }))).toBe("recovered");
    expect(inShort(ask(backup.grant, third, { atMs: 1_000_000, policy }))).toBe("unknown");
  });

  it("gives the successor again in the window", () => {
    expect(ask(recovered.grant, third, { atMs: 500_001, policy })).toEqual({
      kind: "replayed",
      successor: recovered.successor,
    });
  });

  it("takes a token of another branch as proof of two parties", () => {
    expect(inShort(ask(recovered.grant, fourth, { atMs: 500_001, policy }))).toBe("ended");
    expect(inShort(ask(recovered.grant, second, { atMs: 500_001, policy }))).toBe("ended");
  });

  it("is no way around a second backup, but is one again under a later instant", () => {
    const ahead = renewedAt({ grant: recovered.grant, tokens: [recovered.successor] }, 600_000, 700_000).tokens.at(-1);
    expect(inShort(ask(recovered.grant, ahead, { atMs: 800_000, policy }))).toBe("ended");
    const anew = { ...policy, recoverGrantsUntilMs: startMs + 2_000_000 };
    expect(inShort(ask(recovered.grant, ahead, { atMs: 800_000, policy: anew }))).toBe("recovered");
  });
});

describe("a grant that goes on without a refresh token of it", () => {
  const told = renewedAt(begun({ notAfterMs: startMs + 2 * day }), 1000);
  const atMs = 100_000;
  const secret = new Uint8Array(32).fill(5);
  const { grant, token } = reissue(told.grant, { secret, nowMs: startMs + atMs, maxRefreshTtlMs: day / 2 });

  it("has a new one, which is renewed as any other", () => {
    expect(grant).toMatchObject({ id: seed.id, generation: 2, expiresAtMs: startMs + atMs + day / 2 });
    expect(inShort(ask(grant, token, { atMs: atMs + 1 }))).toBe("current");
  });

  it("ends where it must", () => {
    const late = reissue(told.grant, { secret, nowMs: startMs + 2 * day - 1000 });
    expect(late.grant.expiresAtMs).toBe(startMs + 2 * day);
  });

  it.each([
    ["within the window, whoever comes second is too late", atMs + windowMs - 1, false, "superseded"],
    ["later than that, two parties have it", atMs + windowMs, false, "ended"],
    ["the owner with a proof goes on", atMs + windowMs, true, "replaced"],
    ["the owner with a proof goes on, at once, too", atMs + 1, true, "replaced"],
  ])("replaces the one before: %s", (...[, when, isProven, wanted]) => {
    expect(inShort(ask(grant, told.tokens.at(-1), { atMs: when, isProven }))).toBe(wanted);
  });

  it("never answers with a successor that nobody was given", () => {
    const soon = reissue(told.grant, { secret, nowMs: startMs + 2000 });
    expect(inShort(ask(soon.grant, told.tokens[0], { atMs: 2001, isProven: true }))).toBe("replaced");
  });
});
