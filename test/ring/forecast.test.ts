import { describe, expect, it } from "vitest";
import { forecast, type Forecast } from "../../src/ring/forecast.ts";
import type { PlanInput, Stored } from "../../src/ring/plan.ts";
import { keysOf } from "../../src/ring/ring.ts";
import { active, inputOf, leaving, omit, prepared, ringOf, settings, silent } from "../support/rings.ts";
import { day, epoch, hour, minute, policy, projectionOf, Story } from "../support/story.ts";

/** `+60m: activate k2, create (new 1)`. */
const told = (writes: readonly Forecast[]): readonly string[] =>
  writes.map(
    ({ atMs, steps }) =>
      `+${(atMs - epoch) / minute}m: ${steps.map((s) => ("kid" in s ? `${s.type} ${s.kid}` : s.type)).join(", ")}`,
  );
/** The writes of a story, in the words of {@link told}. */
const lived = (story: Story): readonly string[] =>
  story.writes.map(
    ({ nowMs, steps }) =>
      `+${(nowMs - epoch) / minute}m: ${steps.map((s) => ("kid" in s ? `${s.type} ${s.kid}` : s.type)).join(", ")}`,
  );
/** Kids that a story and a forecast call differently, taken off. */
const anonymous = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replaceAll(/ (k\d+|\(new \d+\))/g, ""));

const rotation = ["+11520m: activate k2, create (new 1)", "+11520m: publish (new 1), quiesce k1", "+11670m: prune k1"];

describe("forecast", () => {
  const monthly = inputOf(ringOf(), { policy: { schedule: { kind: "interval", everyMs: 16 * day } } });

  it("tells the writes of a rotation in their order, each with its instant, and names keys that don't exist yet", () => {
    expect(told(forecast(monthly, 9 * day))).toStrictEqual(rotation);
  });

  it("shows the ring after each write", () => {
    const rings = forecast(monthly, 9 * day).map(({ ring }) => keysOf(ring).map((k) => `${k.kid} ${k.state}`));
    expect(rings).toStrictEqual([
      ["k2 active", "(new 1) prepared", "k1 verify-only"],
      ["k2 active", "(new 1) prepared", "k1 verify-only"],
      ["k2 active", "(new 1) prepared"],
    ]);
  });

  it.each([
    ["just before a write", 8 * day - 1, 0],
    ["at a write: that and what follows from it at once", 8 * day, 2],
    ["just before the next one", 8 * day + 150 * minute - 1, 2],
    ["at the next one", 8 * day + 150 * minute, 3],
  ])("looks as far as it was told, to the millisecond: %s", (...[, horizonMs, count]) => {
    expect(forecast(monthly, horizonMs)).toHaveLength(count);
  });

  it("tells at a horizon of 0 what is due now", () => {
    expect(told(forecast({ ...monthly, requests: ["spec:now"] }, 0))).toStrictEqual([
      "+0m: activate k2, create (new 1)",
      "+0m: publish (new 1), quiesce k1",
    ]);
  });

  it.each([1, 2, 5])("stops after %i writes when told so", (most) => {
    expect(forecast(monthly, 365 * day, most)).toHaveLength(most);
  });

  it("stops after 100 writes by itself", () => {
    const often = inputOf(ringOf(), { policy: { schedule: { kind: "interval", everyMs: hour } } });
    expect(forecast(often, 365 * day)).toHaveLength(100);
  });

  it("numbers new keys through all writes", () => {
    const made = forecast(monthly, 60 * day).flatMap(({ steps }) =>
      steps.flatMap((s) => (s.type === "create" ? [s.kid] : [])),
    );
    expect(made).toStrictEqual(["(new 1)", "(new 2)", "(new 3)", "(new 4)"]);
  });

  it("takes every gateway for one that answers at once, the silent ones too", () => {
    expect(told(forecast({ ...monthly, gateways: [silent] }, 9 * day))).toStrictEqual(rotation);
  });

  it("begins with the world as it is: what waits for projections and gateways now comes after they answered", () => {
    const ring = ringOf({ standby: omit(prepared("k2"), "publishedAtMs") });
    const stored: Stored = { kind: "ring", ring, projections: {} };
    expect(told(forecast({ ...inputOf(ring), stored, gateways: [silent] }, hour))).toStrictEqual(["+0m: publish k2"]);
  });

  it.each(["signer", "public"] as const)("brings the %s object up to date before time passes", (late) => {
    const ring = ringOf({ standby: omit(prepared("k2"), "publishedAtMs") });
    const shown = projectionOf(ring);
    const old = { generation: 99, kids: ["k1"] };
    for (const projections of [
      { signer: shown, public: shown, [late]: old },
      { [late === "signer" ? "public" : "signer"]: shown },
    ])
      expect(told(forecast({ ...inputOf(ring), stored: { kind: "ring", ring, projections } }, hour))).toStrictEqual([
        "+0m: publish k2",
      ]);
  });

  it("tells nothing for a ring at rest on request only", () => {
    expect(forecast(inputOf(ringOf(), { policy: { schedule: { kind: "onRequest" } } }), 365 * day)).toStrictEqual([]);
  });

  it.each([0, 25_000])("has later waits begin when they begin, with a clock that doubts %i ms of itself", (doubtMs) => {
    const waitsFromMs = epoch + doubtMs;
    const writes = forecast({ ...monthly, waitsFromMs }, 25 * day);
    const ends = writes.flatMap(({ atMs, steps }) => steps.map(({ type }) => `${type} ${atMs - epoch}`));
    expect(ends.filter((line) => /^(activate|prune)/.test(line))).toStrictEqual([
      `activate ${8 * day}`,
      `prune ${8 * day + 150 * minute + doubtMs}`,
      `activate ${24 * day}`,
      `prune ${24 * day + 150 * minute + doubtMs}`,
    ]);
  });

  it("goes on past a day with nothing to do", () => {
    const late = inputOf(ringOf({ retiring: leaving(1) }), {
      policy: { schedule: { kind: "onRequest" } },
      nowMs: epoch - 30 * day,
    });
    expect(told(forecast(late, 31 * day))).toStrictEqual(["+150m: prune v1"]);
  });
});

describe("forecast without a ring", () => {
  const begin = (change: Partial<PlanInput> = {}): PlanInput => ({
    ...inputOf(ringOf()),
    stored: { kind: "nothing", generationFloor: 0 },
    ...change,
  });

  it("tells how one begins", () => {
    expect(told(forecast(begin(), hour))).toStrictEqual([
      "+0m: begin (new 1), create (new 2)",
      "+0m: publish (new 1), publish (new 2)",
    ]);
  });

  it("tells nothing while it is held", () => {
    expect(forecast(begin({ clockTrusted: false }), 365 * day)).toStrictEqual([]);
  });

  it("tells how keys are adopted, and that no rotation follows by itself", () => {
    const signer = { kid: "old", algorithm: "ES256", createdAtMs: 1 } as const;
    const stored: Stored = { kind: "adoptable", generationFloor: 0, signer, verifyOnly: [] };
    expect(told(forecast(begin({ stored }), 365 * day))).toStrictEqual([
      "+0m: adopt, create (new 1)",
      "+0m: publish old, publish (new 1)",
    ]);
  });

  it.each([
    ["gone", 0],
    ["older than what is left of it", 42],
  ])("tells how a lost one is rebuilt, when its object is %s", (_, baseGeneration) => {
    const stored: Stored = {
      kind: "lost",
      generationFloor: 100,
      baseGeneration,
      remains: ringOf(),
      halves: ["k1"],
      why: "ringLost",
      alsoVerify: [],
    };
    expect(told(forecast(begin({ stored }), hour))).toStrictEqual([
      "+0m: rebuild, create (new 1)",
      "+0m: publish (new 1), quiesce k2",
    ]);
  });

  it("tells nothing of a suspended ring but revocations", () => {
    const input = inputOf(ringOf(), { policy: { suspend: true, revokedKids: [{ kid: "k1" }] } });
    expect(told(forecast(input, 365 * day))).toStrictEqual(["+0m: activate k2, revoke k1"]);
  });
});

describe("forecast of a ring", () => {
  const lives: readonly (readonly [string, (story: Story) => void])[] = [
    ["on a schedule", () => undefined],
    ["with a request", (story) => (story.requests = ["spec:now"])],
    [
      "with a changed profile",
      (story) => (story.policy = { ...policy, profile: { ...policy.profile, algorithm: "EdDSA" } }),
    ],
    ["with a shorter rollback window", (story) => (story.policy = { ...policy, rollbackWindowMs: hour })],
    ["with a lowered propagation", (story) => (story.policy = { ...policy, propagationMs: minute })],
    ["with gateways", (story) => void story.acked("gw-1", "gw-2")],
    ["with a pin", (story) => (story.policy = { ...policy, pinnedKid: "k2" })],
    ["with a revocation", (story) => (story.policy = { ...policy, revokedKids: [{ kid: "k1" }] })],
    [
      "by cron",
      (story) =>
        (story.policy = { ...policy, schedule: { kind: "cron", expression: "@weekly", timeZone: "Europe/Berlin" } }),
    ],
  ];

  it.each(lives)("is what comes to pass: %s", (_, change) => {
    const story = new Story();
    story.run(minute);
    change(story);
    story.writes.length = 0;
    const told100Days = told(forecast(story.input, 100 * day));
    story.run(100 * day);
    expect(story.writes.length).toBeGreaterThan(0);
    expect(anonymous(told100Days)).toStrictEqual(anonymous(lived(story)));
  });

  it("leaves its input alone", () => {
    const input = inputOf(ringOf({ signer: active("k1"), settings: { ...settings, clockSkewMs: 5 } }));
    const copy = structuredClone(input);
    forecast(input, 100 * day);
    expect(input).toStrictEqual(copy);
  });
});
