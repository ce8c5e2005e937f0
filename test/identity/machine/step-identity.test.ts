import { describe, expect, it } from "vitest";
import type { IdentityEvent, RenewalReason } from "../../../src/identity/machine/identity-state.ts";
import { answerTo, wakeAtMs } from "../../../src/identity/machine/wants.ts";
import { dayMs, heldPair, hourMs, issuedPair, minuteMs, secondMs, secretText, startMs } from "../support/pairs.ts";
import { away, denied, Story } from "../support/story.ts";

const looked = { kind: "looked" } as const;
const saved = { kind: "saved" } as const;
const locked = { kind: "locked" } as const;
const full = { kind: "notSaved", problem: { code: "DiskFull", message: "no space" } } as const;
const answered = (n: number): IdentityEvent => ({ kind: "answered", issued: issuedPair(n) });
const failed = (failure = away()): IdentityEvent => ({ kind: "failed", failure });
const wanted = (kind: "use" | "hand"): IdentityEvent => ({ kind: "wanted", why: { kind } });
const refused = (tokenId: string): IdentityEvent => ({ kind: "wanted", why: { kind: "refused", tokenId } });

/** One whose token is an hour old when it ends, and that is at rest. */
const resting = (ageMs = 0): Story => new Story({ stored: heldPair(1, { ageMs }) });
/** One whose request is in flight. */
function asking(): Story {
  const story = resting(48 * minuteMs);
  story.on(looked, locked);
  return story;
}

describe("a start", () => {
  it("without a state shows the first credential, keeps what it is given, and only then gives it out", () => {
    const story = new Story();
    expect(story.effects).toEqual([{ kind: "lock" }]);
    expect(story.on(locked)).toEqual(["ask"]);
    expect(story.showing).toBe("first");
    expect(story.on(answered(1))).toEqual(["save"]);
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toEqual({ kind: "wait" });
    expect(story.on(saved)).toEqual(["unlock", "renewed"]);
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toMatchObject({
      kind: "given",
      pair: { tokenId: "id-1" },
    });
  });

  it.each([
    [56 * minuteMs, ["renewed"]],
    [56.25 * minuteMs, ["renewed"]],
    [56.25 * minuteMs + 1, ["lock", "renewed"]],
    [2 * hourMs, ["lock", "renewed"]],
    [-1, ["lock", "renewed"]],
  ])("with a token of an hour that is %d ms old does %j", (ageMs, kinds) => {
    const story = resting(ageMs);
    expect(story.effects.map((effect) => (effect.kind === "tell" ? effect.news.kind : effect.kind))).toEqual(kinds);
  });
});

describe("the timer", () => {
  it.each([
    ["always", 48 * minuteMs],
    ["onUse", 0.8 * dayMs],
  ] as const)("of one that is kept %s renews after %d ms, and not before", (keep, dueMs) => {
    const story = new Story({ keep, stored: heldPair(1) });
    expect(wakeAtMs(story.state)).toBe(startMs + dueMs);
    expect(story.after(dueMs - 1, looked)).toEqual([]);
    expect(story.after(1, looked, locked)).toEqual(["ask"]);
    expect(story.showing).toBe(secretText("refresh-1"));
  });

  it("renews earlier where the refresh token would end sooner than the access token", () => {
    const refresh = { token: "r", keepAliveAtMs: startMs + minuteMs };
    expect(wakeAtMs(new Story({ stored: heldPair(1, { refresh }) }).state)).toBe(startMs + minuteMs);
  });

  it("does not run hot on a refresh token that a renewal neither replaces nor keeps alive", () => {
    const refresh = { token: "r", keepAliveAtMs: startMs + minuteMs };
    const story = new Story({ stored: heldPair(1, { refresh }) });
    const { accessToken } = issuedPair(2);
    const issued = { accessToken, expiresInSeconds: 3600 };
    story.after(minuteMs, looked, locked, { kind: "answered", issued }, saved);
    expect(story.state.held?.refresh?.token).toBe("r");
    expect(wakeAtMs(story.state)).toBe(startMs + minuteMs + 48 * minuteMs);
  });

  it("goes on when the clock was set back", () => {
    const story = resting();
    story.after(10 * minuteMs - dayMs, { kind: "setBack", byMs: dayMs });
    expect(wakeAtMs(story.state)).toBe(startMs - dayMs + 48 * minuteMs);
    expect(story.after(38 * minuteMs, looked)).toEqual(["lock"]);
  });
});

describe("a request in flight", () => {
  it.each<RenewalReason>([{ kind: "time" }, { kind: "use" }, { kind: "hand" }, { kind: "refused", tokenId: "id-1" }])(
    "is the only one: no second begins for $kind",
    (why) => {
      const story = asking();
      story.nowMs += 12 * minuteMs;
      expect(story.on({ kind: "wanted", why })).toEqual([]);
    },
  );

  it("leaves the token in use that is good, and makes wait who would get one that is about to end", () => {
    const story = asking();
    const answerAt = (ms: number) => answerTo(story.state, { kind: "any" }, startMs + ms).kind;
    expect(answerAt(11 * minuteMs)).toBe("given");
    expect(answerAt(11 * minuteMs + 1)).toBe("wait");
  });

  it("gives a token whose life counts from when it was asked for, not from when it came", () => {
    const story = asking();
    story.after(9 * secondMs, answered(2), saved);
    expect(story.state.held?.life.expiresAtMs).toBe(startMs + hourMs);
  });

  it("hears what was answered to nobody else", () => {
    const story = resting();
    expect(story.on(answered(2), saved, locked, failed(), full, { kind: "removed" })).toEqual([]);
    expect(story.state).toEqual(resting().state);
  });
});

describe("a lock that comes late", () => {
  it("takes the newer token of whoever came first, and asks for none", () => {
    const story = resting(48 * minuteMs);
    story.on(looked);
    expect(story.on({ kind: "locked", stored: heldPair(2) })).toEqual(["unlock", "renewed"]);
    expect(story.state).toMatchObject({ held: { serial: 2 }, phase: { kind: "resting" } });
  });

  it("does not go back to an older one", () => {
    const story = new Story({ stored: heldPair(5, { ageMs: 48 * minuteMs }) });
    story.on(looked, { kind: "locked", stored: heldPair(4) });
    expect(story.showing).toBe(secretText("refresh-5"));
  });

  it("is waited for with back-off where somebody else has it", () => {
    const story = resting(48 * minuteMs);
    story.on(looked);
    expect(story.on({ kind: "notLocked", problem: { code: "Locked", message: "process 7" }, isBusy: true })).toEqual([
      "unlock",
      "troubled",
    ]);
    expect(wakeAtMs(story.state)).toBe(startMs + secondMs);
  });
});

describe("an issuer that is away", () => {
  it("changes nothing of what is held, and is asked again after 1, 2, 4, … 60 s, with the same token", () => {
    const story = asking();
    const { held } = story.state;
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      expect(story.on(failed())).toEqual(["unlock", "troubled"]);
      const waitMs = wakeAtMs(story.state) - story.nowMs;
      waits.push(waitMs / secondMs);
      expect(story.after(waitMs - 1, looked, wanted("use"))).toEqual([]);
      expect(story.after(1, looked, locked)).toEqual(["ask"]);
      expect(story.state.held).toBe(held);
      expect(story.showing).toBe(secretText("refresh-1"));
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    story.on(answered(2), saved);
    expect(story.state).toMatchObject({ failures: 0, held: { serial: 2 } });
    expect(story.state.trouble).toBeUndefined();
  });

  interface WaitCase {
    readonly chance?: number;
    readonly retryAfterMs?: number;
    readonly mayBeDone?: boolean;
  }
  it.each<readonly [string, WaitCase, number]>([
    ["less, by chance, down to a half", { chance: 0.999 }, 500.5],
    ["what it asks for", { retryAfterMs: 120_000 }, 120_000],
    ["what it asks for and a little more, by chance", { chance: 0.5, retryAfterMs: 120_000 }, 126_000],
    ["no less than its own back-off", { retryAfterMs: 1 }, 1000],
    ["an hour at the most", { retryAfterMs: dayMs }, hourMs],
    ["5 s at the most where the answer may be lost", { retryAfterMs: 120_000, mayBeDone: true }, 5000],
  ])("waits %s", (_, { chance = 0, ...said }, expected) => {
    const story = asking();
    story.chance = chance;
    story.on(failed(away(said)));
    expect(wakeAtMs(story.state) - story.nowMs).toBeCloseTo(expected, 6);
  });

  it("asks again within the retry window after a lost answer, however long the issuer has been away", () => {
    const story = asking();
    for (let n = 0; n < 9; n++) {
      story.on(failed());
      story.nowMs = wakeAtMs(story.state);
      story.on(looked, locked);
    }
    story.on(failed(away({ mayBeDone: true })));
    expect(wakeAtMs(story.state) - story.nowMs).toBe(10 * secondMs);
  });

  it("does not stop who asks by hand", () => {
    const story = asking();
    story.on(failed(away({ retryAfterMs: hourMs })));
    expect(story.on(wanted("use"))).toEqual([]);
    expect(story.on(wanted("hand"), locked)).toEqual(["ask"]);
  });

  it("gives the token that is there until its end, and then says why there is none", () => {
    const story = asking();
    story.on(failed(away({ retryAfterMs: hourMs })));
    const answerAt = (ms: number) => answerTo(story.state, { kind: "any" }, startMs + ms);
    expect(answerAt(12 * minuteMs - 1)).toMatchObject({ kind: "given", pair: { tokenId: "id-1" } });
    expect(answerAt(12 * minuteMs)).toMatchObject({ kind: "none", trouble: { code: "Unreachable", isFinal: false } });
  });
});

describe("an issuer that says no", () => {
  it("is shown the first credential once more, in the same turn", () => {
    const story = asking();
    expect(story.on(failed(denied()))).toEqual(["ask"]);
    expect(story.showing).toBe("first");
    expect(story.on(answered(2), saved)).toEqual(["unlock", "renewed"]);
    expect(story.state.trouble).toBeUndefined();
  });

  it("to the first credential, too, is final: said once, and asked about again after a quarter of an hour", () => {
    const story = asking();
    story.on(failed(denied(false)));
    expect(story.on(failed(denied()))).toEqual(["unlock", "troubled"]);
    expect(story.state.trouble).toMatchObject({ isFinal: true, code: "revoked" });
    for (let n = 0; n < 20; n++) expect(story.after(44 * secondMs, looked, wanted("use"), refused("id-1"))).toEqual([]);
    expect(story.after(20 * secondMs, looked, locked)).toEqual(["ask"]);
  });

  it.each<readonly [string, IdentityEvent]>([
    ["somebody asks by hand", wanted("hand")],
    ["the first credential is another one", { kind: "credentialChanged" }],
  ])("is asked at once when %s", (_, event) => {
    const story = asking();
    story.on(failed(denied(false)), failed(denied(false)));
    expect(story.on(event)).toEqual(["lock"]);
  });

  it("leaves a refresh token alone that is not dead, and shows it again later", () => {
    const story = asking();
    story.on(failed(denied(false)), failed(denied(false)), wanted("hand"), locked);
    expect(story.showing).toBe(secretText("refresh-1"));
  });

  it("never sees a dead refresh token again, not even after a restart", () => {
    const story = asking();
    expect(story.on(failed(denied()), failed(away()))).toEqual(["save"]);
    expect(story.effects).toMatchObject([{ pair: { serial: 2, tokenId: "id-1" } }]);
    expect(story.effects[0]).not.toHaveProperty("pair.refresh");
    expect(story.on(saved)).toEqual(["unlock", "troubled"]);
    expect(story.state).toMatchObject({ failures: 1, trouble: { code: "Unreachable" } });
    expect(story.after(secondMs, looked, locked)).toEqual(["ask"]);
    expect(story.showing).toBe("first");
  });

  it("is not shown a refresh token again that was handed over, once it has led to another", () => {
    const story = new Story();
    story.on(locked, { kind: "answered", issued: issuedPair(1, { handedOver: "hash" }) }, saved);
    story.after(hourMs, looked, locked, failed(denied()));
    expect(story.effects).toEqual([{ kind: "ask", showing: { kind: "first", notAgain: "hash" } }]);
  });
});

describe("a disk that takes nothing", () => {
  const unsaved = (): Story => {
    const story = asking();
    story.on(answered(2), full);
    return story;
  };

  it("keeps nobody from the new token, is told, and the lock stays", () => {
    const story = asking();
    expect(story.on(answered(2), full)).toEqual(["troubled", "renewed"]);
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toMatchObject({
      kind: "given",
      pair: { tokenId: "id-2" },
    });
  });

  it("is tried again with back-off, and no renewal begins before what is there is written", () => {
    const story = unsaved();
    expect(story.after(secondMs - 1, looked)).toEqual([]);
    expect(story.after(1, looked)).toEqual(["save"]);
    expect(story.on(full)).toEqual(["troubled"]);
    expect(story.after(50 * minuteMs, looked)).toEqual(["save"]);
    expect(story.on(saved)).toEqual(["unlock"]);
    expect(story.on(looked)).toEqual(["lock"]);
  });

  it("does not let the token end: then it is renewed all the same, with the newest refresh token", () => {
    const story = unsaved();
    expect(story.after(59 * minuteMs + 1, looked)).toEqual(["ask"]);
    expect(story.showing).toBe(secretText("refresh-2"));
    expect(story.on(answered(3), saved)).toEqual(["unlock", "renewed"]);
  });

  it("causes no hot loop in one that is renewed on use", () => {
    const story = new Story({ keep: "onUse", stored: heldPair(1, { ageMs: 60 * minuteMs }) });
    story.on(locked, answered(2), full);
    expect(story.after(59.5 * minuteMs, looked)).toEqual(["save"]);
  });
});

describe("a disk on which there is no lock", () => {
  const readOnly: IdentityEvent = {
    kind: "notLocked",
    problem: { code: "StorageRefused", message: "the file system is read-only" },
    isBusy: false,
  };

  it("holds a renewal back while the token is good", () => {
    const story = resting(48 * minuteMs);
    expect(story.on(looked, readOnly)).toEqual(["unlock", "troubled"]);
  });

  it("does not let the token end", () => {
    const story = resting(48 * minuteMs);
    expect(story.after(11 * minuteMs + 1, looked, readOnly)).toEqual(["ask"]);
    expect(story.on(answered(2), full)).toEqual(["troubled", "renewed"]);
  });

  it("lets nobody begin", () => {
    expect(new Story().on(readOnly)).toEqual(["unlock", "troubled"]);
  });
});

describe("a token that somebody refuses", () => {
  it("is renewed once; who refuses an older one gets the newer", () => {
    const story = resting(minuteMs);
    expect(story.on(refused("id-0"))).toEqual([]);
    expect(answerTo(story.state, { kind: "another", than: "id-0" }, story.nowMs)).toMatchObject({ kind: "given" });
    expect(story.on(refused("id-1"), locked)).toEqual(["ask"]);
    expect(answerTo(story.state, { kind: "another", than: "id-1" }, story.nowMs)).toEqual({ kind: "wait" });
    story.on(answered(2), saved);
    expect(answerTo(story.state, { kind: "another", than: "id-1" }, story.nowMs)).toMatchObject({
      pair: { tokenId: "id-2" },
    });
  });

  it("is the next one, too, and the next: each is renewed later than the one before", () => {
    const story = resting(minuteMs);
    const waits: number[] = [];
    for (let n = 1; n < 9; n++) {
      let waitMs = 0;
      for (; story.on(refused(`id-${n}`)).length === 0; waitMs += 500) story.nowMs += 500;
      waits.push(waitMs / secondMs);
      story.on(locked, answered(n + 1), saved);
    }
    expect(waits).toEqual([0, 2, 4, 8, 16, 32, 60, 60]);
    // Whoever renews for another reason begins anew
    story.after(50 * minuteMs, looked, locked, answered(20), saved);
    expect(story.after(secondMs, refused("id-20"))).toEqual(["lock"]);
  });

  it("leaves nobody waiting while it is throttled", () => {
    const story = resting(0);
    expect(story.on(refused("id-1"))).toEqual([]);
    expect(answerTo(story.state, { kind: "another", than: "id-1" }, story.nowMs)).toMatchObject({ kind: "none" });
  });
});

describe("an end", () => {
  const close = { kind: "ended", how: "close" } as const;
  const forget = { kind: "ended", how: "forget" } as const;

  it("comes at once to one at rest, and gives nothing out any more", () => {
    const story = resting();
    expect(story.on(close)).toEqual(["unlock"]);
    expect(story.on(wanted("hand"), looked, forget)).toEqual([]);
    expect(answerTo(story.state, { kind: "any" }, story.nowMs)).toMatchObject({ trouble: { code: "Closed" } });
  });

  it("by close waits for the answer, and for the disk", () => {
    const story = asking();
    expect(story.on(close)).toEqual([]);
    expect(story.on(answered(2))).toEqual(["save"]);
    expect(story.on(saved)).toEqual(["unlock", "renewed"]);
    expect(story.state.phase.kind).toBe("closed");
  });

  it("by close while the disk takes nothing tries once more", () => {
    const story = asking();
    story.on(answered(2), full);
    expect(story.on(close)).toEqual(["save"]);
    expect(story.on(full)).toEqual(["unlock", "troubled"]);
  });

  it("by close after a denial asks nobody again", () => {
    const story = asking();
    story.on(close);
    expect(story.on(failed(denied()))).toEqual(["unlock", "troubled"]);
  });

  it("by forget takes the lock, and leaves nothing on the disk", () => {
    const story = resting();
    expect(story.on(forget)).toEqual(["lock"]);
    expect(story.on(locked)).toEqual(["remove"]);
    expect(story.on({ kind: "removed" })).toEqual(["unlock"]);
    expect(story.state.phase.kind).toBe("closed");
  });

  it.each<readonly [string, IdentityEvent]>([
    ["an answer", answered(2)],
    ["a failure", failed()],
    ["a denial", failed(denied())],
  ])("by forget in the middle of a request throws %s away", (_, event) => {
    const story = asking();
    expect(story.on(forget)).toEqual([]);
    expect(story.on(event).at(-1)).toBe("remove");
    expect(story.on({ kind: "removed" })).toEqual(["unlock"]);
  });

  it("by forget while it is written removes what was written", () => {
    const story = asking();
    story.on(answered(2));
    expect(story.on(forget)).toEqual([]);
    expect(story.on(saved)).toEqual(["remove", "renewed"]);
  });
});
