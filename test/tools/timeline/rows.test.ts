import { describe, expect, test } from "vitest";
import { forecast } from "../../../src/ring/forecast.ts";
import { rowsOf, type Row, type RingAt } from "../../../src/tools/timeline/rows.ts";
import { day, epoch, hour, Story } from "../../support/story.ts";

const hoursOf = (ms: number): string => (ms === Infinity ? "∞" : `${(ms - epoch) / hour}h`);
const textOf = ({ kid, spans, publishedAtMs, revokedAtMs }: Row): string =>
  [
    `${kid}:`,
    ...spans.map((s) => `${s.state} ${hoursOf(s.fromMs)}–${hoursOf(s.toMs)}`),
    ...(publishedAtMs === undefined ? [] : [`published ${hoursOf(publishedAtMs)}`]),
    ...(revokedAtMs === undefined ? [] : [`revoked ${hoursOf(revokedAtMs)}`]),
  ].join(" ");

const rowsIn = (story: Story, history: readonly RingAt[] = []): readonly string[] => {
  const { ring, nowMs, input } = story;
  return rowsOf({ ring, nowMs, forecast: forecast(input, 12 * hour), history }).map(textOf);
};

const everySixHours = { schedule: { kind: "interval", everyMs: 6 * hour } } as const;

const settled = (): Story => {
  const story = new Story(everySixHours);
  story.settle();
  return story;
};

describe("rowsOf", () => {
  test("has the past of a ring's keys by their facts, and their future by the forecast, the oldest first", () => {
    const story = settled();
    story.run(7 * hour);
    expect(rowsIn(story)).toEqual([
      "k1: active 0h–6h verify-only 6h–8.5h published 0h",
      "k2: prepared 0h–6h active 6h–12h verify-only 12h–14.5h published 0h",
      "k3: prepared 6h–12h active 12h–18h verify-only 18h–∞ published 6h",
      "(new 1): prepared 12h–18h active 18h–∞ published 12h",
      "(new 2): prepared 18h–∞ published 18h",
    ]);
  });

  test("knows of a pruned key by the history alone", () => {
    const story = settled();
    const history: RingAt[] = [{ atMs: story.nowMs, ring: story.ring }];
    story.run(6 * hour);
    history.push({ atMs: story.nowMs, ring: story.ring });
    story.run(4 * hour);
    expect(rowsIn(story).some((row) => row.startsWith("k1:"))).toBe(false);
    expect(rowsIn(story, history)[0]).toBe("k1: active 0h–6h verify-only 6h–10h published 0h");
  });

  test("passes over history that lies in the future", () => {
    const story = settled();
    const later = { atMs: story.nowMs + day, ring: story.ring };
    expect(rowsIn(story, [later])).toEqual(rowsIn(story));
  });

  test("knows of a revoked key that it is revoked, and no more", () => {
    const story = settled();
    story.run(7 * hour);
    story.policy = { ...story.policy, revokedKids: [{ kid: "k1" }] };
    story.settle();
    expect(rowsIn(story)).toContain("k1: revoked 7h");
  });

  test("ends a revoked key's bar when it was revoked, where the history knows it", () => {
    const story = settled();
    const history = [{ atMs: story.nowMs, ring: story.ring }];
    story.nowMs += hour;
    story.policy = { ...story.policy, revokedKids: [{ kid: "k1" }] };
    story.settle();
    expect(rowsIn(story, history)[0]).toBe("k1: active 0h–1h published 0h revoked 1h");
  });

  test("finds the first life of a key that signs for the second time in the facts of its heir", () => {
    const story = settled();
    story.run(13 * hour);
    expect(rowsIn(story)[0]).toMatch(/^k2: prepared 0h–6h active 6h–12h verify-only 12h–/);
    story.policy = { ...story.policy, pinnedKid: "k2" };
    story.settle();
    expect(rowsIn(story)[0]).toBe("k2: prepared 0h–6h active 6h–12h verify-only 12h–13h active 13h–∞ published 0h");
  });
});
