import { describe, expect, test } from "vitest";
import { delaysMs, keyBars, signings, turnOf } from "../../e2e/report/bars.ts";
import { pictureOf } from "../../e2e/report/picture.ts";
import type { KeyState, Record as Story, Replica, Ring } from "../../e2e/report/record.ts";
import { type Evidence, headlineOf, reportOf } from "../../e2e/report/report.ts";
import { Tally } from "../../e2e/workload/tally.ts";

const ring = (atMs: number, keys: Readonly<Record<string, KeyState>>, revoked: readonly string[] = []): Ring => ({
  atMs,
  generation: atMs,
  keys: Object.entries(keys).map(([kid, state]) => ({ kid, algorithm: "ES256", state })),
  revoked,
});

const rings = [
  ring(100, { k1: "active", k2: "prepared" }),
  ring(200, { k1: "active", k2: "prepared" }),
  ring(300, { k2: "active", k1: "verify-only", k3: "prepared" }),
  ring(400, { k3: "active", k1: "verify-only" }, ["k2"]),
  ring(500, { k1: "active", k3: "verify-only" }, ["k2"]),
];

const replica: Replica = {
  pod: "orders-abc",
  acks: [
    { atMs: 90, generation: 0 },
    { atMs: 110, generation: 100, signs: "k1" },
    { atMs: 230, generation: 200, signs: "k1" },
    { atMs: 305, generation: 300, signs: "k2" },
  ],
  goneAtMs: 450,
};

const story: Story = {
  startedAtMs: 0,
  endedAtMs: 1000,
  steps: [
    { name: "install & <go>", startedAtMs: 0, endedAtMs: 100 },
    { name: "rotate", startedAtMs: 10, endedAtMs: 900 },
  ],
  rings,
  replicas: [replica],
};

const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  record: story,
  counts: new Tally().counts(),
  restarts: { "orders-abc": 0 },
  versions: { kubernetes: "v1.35.4" },
  ...more,
});

describe("keyBars", () => {
  const bars = keyBars(story);
  const lineOf = (kid: string): string | undefined =>
    bars
      .find((bar) => bar.kid === kid)
      ?.segments.map(({ state, fromMs, toMs }) => `${state} ${fromMs}-${toMs}`)
      .join(", ");

  test("has the keys in the order in which they came", () => {
    expect(bars.map(({ kid }) => kid)).toEqual(["k1", "k2", "k3"]);
  });

  test("joins what rings in a row say, and ends with the story", () => {
    expect(lineOf("k1")).toBe("active 100-300, verify-only 300-500, active 500-1000");
  });

  test("ends with the ring that has the key no more, and tells a revocation", () => {
    expect(lineOf("k2")).toBe("prepared 100-300, active 300-400");
    expect(bars.map(({ revokedAtMs }) => revokedAtMs)).toEqual([undefined, 400, undefined]);
  });
});

describe("a replica", () => {
  test("signs with each key until its next acknowledgement names another, or it is gone", () => {
    expect(signings(replica, 1000)).toEqual([
      { kid: "k1", fromMs: 110, toMs: 305 },
      { kid: "k2", fromMs: 305, toMs: 450 },
    ]);
  });

  test("is late by what passes from a ring to its acknowledgement; what it found at its start does not count", () => {
    expect(delaysMs(replica, rings)).toEqual([30, 5]);
  });

  test("that signs with an earlier key again is one turn further", () => {
    expect(turnOf({ kid: "k1", fromMs: 110, toMs: 305 }, rings)).toBe(0);
    expect(turnOf({ kid: "k1", fromMs: 510, toMs: 1000 }, rings)).toBe(3);
  });
});

describe("the picture", () => {
  const picture = pictureOf(story, "3 keys & <more>");

  test("has a bar for each time of a key in a state", () => {
    expect(picture.match(/<rect class="(?:active|prepared|verify-only)"[^>]* height="12"/g)).toHaveLength(8);
  });

  test("has both themes, and escapes what it is told", () => {
    expect(picture).toContain("prefers-color-scheme:dark");
    expect(picture).toContain("install &amp; &lt;go&gt;");
    expect(picture).not.toContain("NaN");
  });
});

describe("the report", () => {
  test("says at which step a story ended before its time", () => {
    expect(headlineOf(evidence())).toBe("3 keys, 0 tokens, 0 verifications · 0 valid refused · 0 restarts");
    expect(headlineOf(evidence({ failed: "rotate" }))).toContain("ended at: rotate");
  });

  test("has a line for each step", () => {
    expect(reportOf(evidence())).toContain("| 2 | rotate | 0.0 s | 0.9 s |");
  });
});
