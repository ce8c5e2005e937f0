import { describe, expect, test } from "vitest";
import { type HolderEvent, reduce } from "../../src/holder/reduce.ts";
import { type Floor, type HolderState, newHolder, awayPatienceMs, type Setup } from "../../src/holder/state.ts";
import { ackOf, isReady, problemsOf, wants, whyNotReady, zero } from "../../src/holder/state-view.ts";
import { omit } from "../support/rings.ts";
import { kid, opened, pair, type RingPlan } from "../gateway/support/rings.ts";

const setup: Setup = { rotation: "gateway", acks: "required", fenced: true };
const nowMs = 1_000_000;

/** A gateway to which events happen one after the other, a millisecond apart. */
class Told {
  state: HolderState;
  #monotonicMs = 0;

  constructor(change: Partial<Setup> = {}, floor?: Floor | "lost") {
    this.state = newHolder({ ...setup, ...change }, floor, 0);
  }

  happens(...events: readonly HolderEvent[]): this {
    for (const event of events) this.state = reduce(this.state, event, ++this.#monotonicMs);
    return this;
  }

  passes(ms: number): this {
    this.#monotonicMs += ms - 1;
    return this.happens({ type: "tick" });
  }

  /** What is wanted, in a word. */
  get want(): string {
    const want = wants(this.state, nowMs);
    return want.kind === "ack" ? `ack ${want.ack.generation}` : want.kind;
  }

  /** Writes the ack that is wanted. */
  acks(): this {
    const want = wants(this.state, nowMs);
    if (want.kind !== "ack") throw new Error(`an ack is not wanted, but ${want.kind}`);
    return this.happens({ type: "acked", ack: want.ack });
  }

  get generation(): number | undefined {
    return this.state.current?.ring.generation;
  }
}

const read = (plan: RingPlan, askedAtMs = nowMs): HolderEvent => ({ type: "read", ring: opened(plan), askedAtMs });
const shown = (plan: RingPlan, source: "mount" | "watch" = "mount"): HolderEvent => ({
  type: "shown",
  source,
  ring: opened(plan),
});
const away: HolderEvent = { type: "away", from: "truth", problem: "it is away" };
const floorOf = (plan: RingPlan, more: Partial<Floor> = {}): Floor => ({
  ring: opened(plan, { half: false }),
  refused: new Set(),
  ...more,
});

/** Ready, with an ack of the ring. */
const serving = (plan: RingPlan, change: Partial<Setup> = {}): Told =>
  new Told(change).acks().happens(read(plan)).acks().happens(read(plan));

describe("a start with acknowledgements", () => {
  test("writes generation 0, reads, acknowledges, reads once more, and is Ready only then", () => {
    const told = new Told();
    const steps: string[] = [];
    const step = (): void => void steps.push(`${told.want}${isReady(told.state) ? ", ready" : ""}`);
    step();
    told.acks();
    step();
    told.happens(read({ generation: 5 }));
    step();
    told.acks();
    step();
    told.happens(read({ generation: 5 }));
    step();
    expect(steps).toEqual(["ack 0", "read", "ack 5", "read", "wait, ready"]);
  });

  test("acknowledges again when the second read shows a newer ring, and is not Ready", () => {
    const told = new Told()
      .acks()
      .happens(read({ generation: 5 }))
      .acks()
      .happens(read({ generation: 6 }));
    expect([told.want, isReady(told.state), told.generation]).toEqual(["ack 6", false, 6]);
    expect(isReady(told.acks().happens(read({ generation: 6 })).state)).toBe(true);
  });

  test("acknowledges again when the watch brings a newer ring between the ack and the second read", () => {
    const told = new Told()
      .acks()
      .happens(read({ generation: 5 }))
      .acks();
    told.happens(shown({ generation: 6 }, "watch"), read({ generation: 6 }));
    expect([told.want, isReady(told.state)]).toEqual(["ack 6", false]);
  });

  test("does not take a mount for the source of truth", () => {
    const told = new Told().acks().happens(shown({ generation: 5 }));
    expect([told.want, isReady(told.state), told.generation]).toEqual(["read", false, 5]);
  });

  test("goes on with what it has when the object is gone, and waits when it has nothing", () => {
    const gone: HolderEvent = { type: "read", askedAtMs: nowMs };
    expect(new Told().acks().happens(gone).want).toBe("read");
    const kept = new Told({}, floorOf({ generation: 5 })).acks().happens(gone);
    expect(kept.want).toBe("ack 5");
    expect(isReady(kept.acks().happens(gone).state)).toBe(true);
  });

  test("begins with the floor and never serves below it", () => {
    const told = new Told({}, floorOf({ generation: 9 })).acks().happens(read({ generation: 5 }));
    expect([told.generation, told.want]).toEqual([9, "ack 9"]);
  });

  test("waits for the first ring when nobody told the rotation's name, and takes the name from it", () => {
    const nameless = omit(setup, "rotation");
    const state = newHolder(nameless, undefined, 0);
    expect(wants(state, nowMs)).toEqual({ kind: "wait", untilMs: Infinity });
    const taken = reduce(state, shown({ generation: 5 }), 1);
    expect(wants(taken, nowMs)).toEqual({ kind: "ack", ack: zero });
    const foreign = shown({ generation: 6, change: { rotation: { namespace: "default", name: "other" } } });
    expect(problemsOf(reduce(taken, foreign, 2))).toEqual([
      'mount: must be the ring of rotation "gateway", is that of "other"',
    ]);
  });

  test("says why it is not Ready", () => {
    expect(whyNotReady(new Told().happens(away).state)).toBe("no ring yet; truth: it is away");
    const told = new Told().happens(shown({ generation: 5 }));
    const steps = [whyNotReady(told.state)];
    for (const next of [() => told.acks(), () => told.happens(read({ generation: 5 })), () => told.acks()]) {
      next();
      steps.push(whyNotReady(told.state));
    }
    expect(steps).toEqual([
      "is to acknowledge generation 0",
      "is to read the ring from its source",
      "is to acknowledge the ring",
      "is to read the ring once more",
    ]);
    expect(whyNotReady(serving({ generation: 5 }).state)).toBeUndefined();
  });
});

describe("a start without acknowledgements", () => {
  test("is Ready with the first ring, from wherever it comes, and never acknowledges", () => {
    const told = new Told({ acks: "off" });
    expect([isReady(told.state), whyNotReady(told.state)]).toEqual([false, "no ring yet"]);
    told.happens(shown({ generation: 5 }));
    expect(isReady(told.state)).toBe(true);
    expect(new Told({ acks: "off", fenced: false }).happens(shown({ generation: 5 })).want).toBe("read");
  });
});

describe("the source of truth out of reach at the start", () => {
  test.each([
    [awayPatienceMs - 1, false],
    [awayPatienceMs, true],
    [awayPatienceMs + 1, true],
  ])("for %i ms: degraded %s", (ms, degraded) => {
    const told = new Told().happens(shown({ generation: 5 }));
    told.passes(ms - 1);
    expect([told.state.degraded, isReady(told.state)]).toEqual([degraded, degraded]);
  });

  test("is patient anew after each answer", () => {
    const told = new Told().happens(shown({ generation: 5 })).passes(awayPatienceMs - 2);
    told.happens({ type: "denied", from: "ack", problem: "no" }).passes(awayPatienceMs);
    told.happens(away).passes(awayPatienceMs - 1);
    expect(told.state.degraded).toBe(false);
    expect(told.passes(1).state.degraded).toBe(true);
  });

  const unfit: HolderEvent = { type: "unfit", source: "truth", problem: "no ring" };
  test.each<[string, readonly HolderEvent[]]>([
    ["the source of truth goes away", [away]],
    ["the source of truth has no ring", [unfit]],
  ])("once generation 0 stands, never: it promised to read first, and nobody waits for it; %s", (_, events) => {
    const told = new Told()
      .acks()
      .happens(shown({ generation: 5 }), ...events)
      .passes(awayPatienceMs * 9);
    expect([told.state.degraded, isReady(told.state)]).toEqual([false, false]);
    expect(told.happens(read({ generation: 6 })).want).toBe("ack 6");
  });

  test.each([
    [true, false],
    [false, true],
  ])("when generation 0 may stand (%s) although no answer came: degraded %s", (maybeDone, degraded) => {
    const lost: HolderEvent = { type: "away", from: "ack", problem: "the connection broke", maybeDone };
    const refused: HolderEvent = { type: "away", from: "ack", problem: "nobody listens", maybeDone: false };
    const told = new Told().happens(shown({ generation: 5 }), lost, refused).passes(awayPatienceMs * 2);
    expect(told.state.degraded).toBe(degraded);
  });

  test("never is degraded while it answers and says no", () => {
    const told = new Told().happens(shown({ generation: 5 }), { type: "denied", from: "ack", problem: "no" });
    expect(told.passes(2 * awayPatienceMs).state.degraded).toBe(false);
    expect(whyNotReady(told.state)).toBe("is to acknowledge generation 0; ack: no");
  });

  test("without a ring is not Ready, however long it takes, but at once with the first one", () => {
    const told = new Told().passes(2 * awayPatienceMs);
    expect(isReady(told.state)).toBe(false);
    expect(isReady(told.happens(shown({ generation: 5 }), { type: "tick" }).state)).toBe(true);
  });

  test("with a floor that can't be read is not Ready: what was served before is unknown", () => {
    const told = new Told({}, "lost").happens(shown({ generation: 5 })).passes(2 * awayPatienceMs);
    expect([told.state.degraded, isReady(told.state)]).toEqual([false, false]);
  });

  test("with a mount below the floor serves the floor", () => {
    const told = new Told({}, floorOf({ generation: 9 })).happens(shown({ generation: 5 })).passes(awayPatienceMs);
    expect([told.generation, isReady(told.state)]).toEqual([9, true]);
  });

  test("ends with a read, an ack and a second read; it does not say that it is starting while it takes traffic", () => {
    const told = new Told().happens(shown({ generation: 5 })).passes(awayPatienceMs);
    expect(told.want).toBe("read");
    told.happens(read({ generation: 6 }));
    expect([told.want, told.state.degraded, isReady(told.state)]).toEqual(["ack 6", true, true]);
    told.acks();
    expect([told.want, told.state.degraded]).toEqual(["read", true]);
    told.happens(read({ generation: 6 }));
    expect([told.want, told.state.degraded, isReady(told.state)]).toEqual(["wait", false, true]);
  });
});

describe("a gateway that serves", () => {
  test("takes a newer ring from any source, acknowledges it, and stays Ready", () => {
    const told = serving({ generation: 5 }).happens(shown({ generation: 6 }, "watch"));
    expect([told.generation, told.want, isReady(told.state)]).toEqual([6, "ack 6", true]);
    expect(told.acks().want).toBe("wait");
  });

  test.each([4, 5])("keeps the ring in memory when generation %i is shown", (generation) => {
    const told = serving({ generation: 5 });
    const before = told.state.current;
    expect(told.happens(shown({ generation, signer: 1, standby: 2 })).state.current).toBe(before);
  });

  test("stays Ready when the source of truth goes away, and is not degraded", () => {
    const told = serving({ generation: 5 })
      .happens(away)
      .passes(10 * awayPatienceMs);
    expect([isReady(told.state), told.state.degraded]).toEqual([true, false]);
  });

  test("writes its ack again when it is found missing or different", () => {
    const told = serving({ generation: 5 });
    expect(told.happens({ type: "ackFound" }).want).toBe("ack 5");
    expect(told.acks().happens({ type: "ackFound", ack: { ...zero, generation: 5 } }).want).toBe("ack 5");
    expect(told.acks().happens({ type: "ackFound", ack: ackOf(told.state) }).want).toBe("wait");
  });

  test("acknowledges what it accepts and with which key it signs", () => {
    const ack = ackOf(serving({ generation: 5, retiring: [2] }).state);
    expect(ack).toEqual({ generation: 5, verifies: [kid(0), kid(1), kid(2)], signs: kid(0) });
    expect(ackOf(new Told().state)).toEqual({ generation: 0, verifies: [] });
  });
});

describe("a source that the API server shows to be unfit", () => {
  const missing: HolderEvent = { type: "read", askedAtMs: nowMs, isServer: true };
  const server = (plan: RingPlan): HolderEvent => ({ ...read(plan), isServer: true }) as HolderEvent;
  const unfit = (source: "mount" | "watch" | "truth", askedAtMs?: number): HolderEvent => ({
    ...{ type: "unfit", source, problem: "it holds no ring" },
    ...(askedAtMs !== undefined && { askedAtMs }),
  });

  test.each<readonly [string, HolderEvent]>([
    ["a read finds nothing", missing],
    ["a read finds no ring", unfit("truth", nowMs)],
    ["a read finds an older ring", server({ generation: 4 })],
    ["the watch tells that it is gone", unfit("watch")],
  ])("is told once in the ack where %s, and taken back", (_, event) => {
    const told = serving({ generation: 5 }).happens(event);
    expect(ackOf(told.state)).toMatchObject({ generation: 5, sourceUnfit: true });
    expect(told.want).toBe("ack 5");
    expect(told.acks().happens(event).want).not.toBe("ack 5");
    expect(told.happens(shown({ generation: 4 }, "watch")).want).not.toBe("ack 5");
    told.happens(shown({ generation: 5 }, "watch"));
    expect(ackOf(told.state)).toEqual(ackOf(serving({ generation: 5 }).state));
    expect(told.want).toBe("ack 5");
  });

  test.each<readonly [string, HolderEvent]>([
    ["a mount", unfit("mount")],
    ["a directory", { type: "read", askedAtMs: nowMs }],
    ["a directory that is unfit", unfit("truth")],
    ["a directory with an older ring", read({ generation: 4 })],
    ["an older word of the watch", shown({ generation: 4 }, "watch")],
    ["a server that is away", away],
  ])("is not what %s shows", (_, event) => {
    expect(ackOf(serving({ generation: 5 }).happens(event).state)).not.toHaveProperty("sourceUnfit");
  });

  test.each([
    ["watch", true],
    ["mount", undefined],
  ] as const)("is one that shows the ring of another rotation on the %s: %s", (source, isUnfit) => {
    const told = serving({ generation: 5 });
    told.state = { ...told.state, setup: { ...setup, rotation: "other" } };
    expect(ackOf(told.happens(shown({ generation: 5 }, source)).state).sourceUnfit).toBe(isUnfit);
  });
});

describe("revocation", () => {
  test("counts from every source, an older ring included, and for ever", () => {
    const told = serving({ generation: 5 }).happens(shown({ generation: 3, signer: 2, standby: 3, revoked: [1] }));
    expect([...told.state.refused]).toEqual([kid(1)]);
    expect(ackOf(told.state).verifies).toEqual([kid(0)]);
    expect(told.want).toBe("ack 5");
    told.happens(shown({ generation: 7, standby: 1 }));
    expect([...told.state.refused]).toEqual([kid(1)]);
  });

  test("of the signer takes its half away", () => {
    const told = serving({ generation: 5 }).happens(shown({ generation: 3, signer: 2, standby: 3, revoked: [0] }));
    expect(told.state.half).toBeUndefined();
    expect(ackOf(told.state)).toEqual({ generation: 5, verifies: [kid(1)] });
  });

  test("outlives a restart with the floor", () => {
    const told = new Told({}, floorOf({ generation: 5, revoked: [3] }, { refused: new Set([kid(2)]) }));
    expect([...told.state.refused].sort()).toEqual([kid(2), kid(3)].sort());
  });
});

describe("the signer's half", () => {
  test("stays when a newer ring has lost it, and leaves with its signer", () => {
    const lost = { type: "shown", source: "watch", ring: opened({ generation: 6 }, { half: false }) } as const;
    const told = serving({ generation: 5 }).happens(lost);
    expect(told.state.half?.kid).toBe(kid(0));
    const next = { ...lost, ring: opened({ generation: 7, signer: 1, standby: 2 }, { half: false }) };
    expect(told.happens(next).state.half).toBeUndefined();
  });

  test("comes from another source of the same ring, and from an older ring with the same signer", () => {
    const floor = floorOf({ generation: 6 });
    expect(new Told({}, floor).happens(shown({ generation: 6 })).state.half?.kid).toBe(kid(0));
    expect(new Told({}, floor).happens(shown({ generation: 5 })).state.half?.kid).toBe(kid(0));
    expect(new Told({}, floor).happens(shown({ generation: 5, signer: 1, standby: 2 })).state.half).toBeUndefined();
  });
});

describe("a ring that grew from an older copy", () => {
  const writes = (...ids: readonly string[]): Pick<RingPlan, "change"> => ({ change: { writes: ids } });
  const here: RingPlan = { generation: 6, ...writes("w4", "w5", "w6") };
  const grown: RingPlan = { generation: 8, signer: 1, standby: 2, ...writes("w4", "w5", "x6", "x7", "x8") };
  const says =
    "the ring there (generation 8) does not come from the one in memory: it grew from an older copy; restore it or request a recovery";

  test.each<readonly [string, HolderEvent]>([
    ["truth", read(grown)],
    ["watch", shown(grown, "watch")],
    ["mount", shown(grown)],
  ])("is not taken from the %s, however high its generation, and that is told", (source, event) => {
    const told = serving(here).happens(event);
    expect([told.generation, problemsOf(told.state), isReady(told.state)]).toEqual([6, [`${source}: ${says}`], true]);
  });

  test("is not taken after a restart: what was served is kept with its write", () => {
    const told = new Told({}, floorOf(here)).acks().happens(read(grown)).acks().happens(read(grown));
    expect([told.generation, isReady(told.state), told.state.acked]).toMatchObject([6, true, { writeId: "w6" }]);
  });

  test("leaves the JWKS to no copy: there may be keys that are not here", () => {
    expect(serving(here).happens(read(grown)).state.heard.isBehind).toBe(true);
  });

  test("is obeyed in what it revokes", () => {
    const told = serving(here).happens(read({ ...grown, revoked: [3] }));
    expect([told.generation, [...told.state.refused]]).toEqual([6, [kid(3)]]);
  });

  test("is told of no more when the source has the right one again, or a person asked for a recovery", () => {
    const next = (plan: RingPlan): Told => serving(here).happens(read(grown), read(plan));
    const goesOn = next({ generation: 7, ...writes("w5", "w6", "w7") });
    const recovered = next({ generation: 900, ...writes("r900") });
    expect([goesOn.generation, problemsOf(goesOn.state)]).toEqual([7, []]);
    expect([recovered.generation, problemsOf(recovered.state)]).toEqual([900, []]);
  });

  test.each<readonly [string, Pick<RingPlan, "change">]>([
    ["remembers no writes", {}],
    ["does not reach back so far", writes("x7", "x8")],
  ])("is taken where it %s: nothing is known", (_, change) => {
    expect(serving(here).happens(read({ ...grown, change: {}, ...change })).generation).toBe(8);
  });
});

describe("a ring that is not to be trusted", () => {
  const [one, two] = [pair(2), pair(3)];
  const foreign = opened({ generation: 9 });
  const otherKey = new Map([...foreign.publicJwks, [kid(0), one.material.publicJwk]]);
  const rows: readonly (readonly [string, HolderEvent, string])[] = [
    [
      "of another rotation",
      shown({ generation: 9, change: { rotation: { namespace: "default", name: "other" } } }),
      'mount: must be the ring of rotation "gateway", is that of "other"',
    ],
    [
      "of another namespace",
      shown({ generation: 9, change: { rotation: { namespace: "elsewhere", name: "gateway" } } }),
      'mount: must be the ring of namespace "default", is that of "elsewhere"',
    ],
    [
      "with another key under a known kid",
      { type: "shown", source: "watch", ring: { ...foreign, publicJwks: otherKey } },
      `watch: must not give kid "${kid(0)}" another key`,
    ],
    [
      "from the source of truth",
      { type: "read", ring: { ...foreign, publicJwks: otherKey }, askedAtMs: nowMs },
      `truth: must not give kid "${kid(0)}" another key`,
    ],
  ];
  test.each(rows)("%s is told and not taken", (_, event, problem) => {
    const told = serving({ generation: 5 }).happens(event);
    expect([told.generation, problemsOf(told.state)]).toEqual([5, [problem]]);
    expect(told.state.refused.size).toBe(0);
  });

  test("is forgotten with the next good one of the same source", () => {
    const told = serving({ generation: 5 }).happens({ type: "unfit", source: "mount", problem: "no JSON" });
    expect(problemsOf(told.state)).toEqual(["mount: no JSON"]);
    expect(problemsOf(told.happens(shown({ generation: 5 }, "watch")).state)).toEqual(["mount: no JSON"]);
    expect(problemsOf(told.happens(shown({ generation: 5 })).state)).toEqual([]);
  });

  test("does not confirm that a key signs", () => {
    const told = serving({ generation: 5 }).happens({
      type: "read",
      ring: { ...foreign, publicJwks: new Map([[kid(0), two.material.publicJwk]]) },
      askedAtMs: nowMs + 5,
    });
    expect(told.state.confirmed).toEqual({ kid: kid(0), askedAtMs: nowMs });
  });
});
