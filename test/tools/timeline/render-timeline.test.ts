import { describe, expect, test } from "vitest";
import { forecast } from "../../../src/ring/forecast.ts";
import { plain, widthOf } from "../../../src/tools/text/cell-width.ts";
import { renderTimeline, type TimelineInput } from "../../../src/tools/timeline/render-timeline.ts";
import type { RingAt } from "../../../src/tools/timeline/rows.ts";
import { day, hour, minute, second, Story } from "../../support/story.ts";
import { withKids } from "../support/story-home.ts";

/** The picture of a story; kids as they are in reality. */
function picture(story: Story, options: Partial<TimelineInput> = {}): readonly string[] {
  const { ring, nowMs, input } = story;
  const known = withKids({ ring, forecast: forecast(input, 400 * day, 12) });
  return renderTimeline({ ...known, nowMs, columns: 100, colour: false, ...options });
}

const textOf = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

const monthly = (forMs: number): Story => {
  const story = new Story();
  story.gateways = [{ name: "gw-1", ready: true }];
  story.settle();
  story.run(forMs);
  return story;
};

const everyTenSeconds = {
  schedule: { kind: "interval", everyMs: 10 * second },
  propagationMs: 2 * second,
  clockSkewMs: 0,
  rotationWindowMs: 6 * second,
  rollbackWindowMs: 6 * second,
} as const;

const fast = (forMs: number): Story => {
  const profile = { ...new Story().policy.profile, maxTTLMs: 5 * second };
  const story = new Story({ ...everyTenSeconds, profile });
  story.settle();
  story.run(forMs);
  return story;
};

describe("renderTimeline", () => {
  test.each([
    ["a ring every month, between two rotations", "month-between", monthly(42 * day)],
    ["a ring every month, an hour after its rotation", "month-after", monthly(30 * day + hour)],
    ["a ring that is new", "new", monthly(0)],
    ["a ring every ten seconds", "seconds", fast(33 * second)],
  ])("draws %s", async (_, name, story) => {
    await expect(textOf(picture(story, { unicode: true }))).toMatchFileSnapshot(`pictures/${name}.txt`);
    await expect(textOf(picture(story))).toMatchFileSnapshot(`pictures/${name}.ascii.txt`);
    await expect(textOf(picture(story, { colour: true }))).toMatchFileSnapshot(`pictures/${name}.ansi.txt`);
  });

  test("draws a ring that rotates on request only", async () => {
    const story = new Story({ schedule: { kind: "onRequest" } });
    story.settle();
    story.run(3 * day);
    await expect(textOf(picture(story, { unicode: true }))).toMatchFileSnapshot("pictures/on-request.txt");
  });

  test("draws a signer that was revoked, and one that was rolled back to", async () => {
    const story = new Story({ schedule: { kind: "interval", everyMs: 6 * hour } });
    story.settle();
    story.run(20 * hour);
    story.policy = { ...story.policy, revokedKids: [{ kid: story.ring.signer.kid, reason: "stolen" }] };
    story.run(20 * minute);
    await expect(textOf(picture(story, { unicode: true }))).toMatchFileSnapshot("pictures/revoked.txt");
    const back = new Story({ schedule: { kind: "interval", everyMs: 6 * hour } });
    back.settle();
    back.run(18 * hour + 40 * minute);
    back.policy = { ...back.policy, pinnedKid: back.ring.retiring[0]?.kid ?? "" };
    back.run(hour);
    await expect(textOf(picture(back, { unicode: true }))).toMatchFileSnapshot("pictures/rolled-back.txt");
  });

  test("draws pruned keys too when it is told of the rings that were", async () => {
    const story = fast(0);
    const history: RingAt[] = [];
    for (let seconds = 0; seconds < 46; seconds++) {
      history.push(withKids({ atMs: story.nowMs, ring: story.ring }));
      story.run(second);
    }
    const range = { fromMs: story.nowMs - 40 * second, untilMs: story.nowMs + 15 * second };
    await expect(textOf(picture(story, { history, unicode: true, ...range }))).toMatchFileSnapshot(
      "pictures/history.txt",
    );
  });

  test.each([60, 61, 79, 80, 100, 133, 200])("fits into %i columns, in each look", (columns) => {
    for (const story of [monthly(42 * day), fast(33 * second)]) {
      for (const look of [{}, { unicode: true }, { colour: true }]) {
        const widths = picture(story, { columns, ...look }).map(widthOf);
        expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
        expect(Math.max(...widths)).toBeGreaterThan(columns - 3);
      }
    }
  });

  test("writes nothing but ASCII unless it may", () => {
    expect(textOf(picture(monthly(42 * day)))).toMatch(/^[ -~\n]*$/);
  });

  test("writes the same picture with colours and without", () => {
    const story = monthly(30 * day + hour);
    expect(picture(story, { colour: true }).map(plain)).toEqual(picture(story, { unicode: true }));
  });

  test("shows the axis in the zone, and names it", () => {
    const lines = picture(fast(33 * second), { timeZone: "Asia/Kolkata" });
    expect(lines.join("\n")).toContain("05:30:30");
    expect(lines.at(-1)).toContain("times in Asia/Kolkata");
  });

  test("shows as much as it is asked for", () => {
    const story = fast(33 * second);
    const lines = picture(story, { fromMs: story.nowMs - 2 * second, untilMs: story.nowMs + 4 * second });
    expect(lines.filter((text) => /^ \S{8}/.test(text) && text.includes("|"))).toHaveLength(3);
    expect(lines.join("\n")).not.toContain("new key 1");
  });

  test("leaves out the oldest rows when there are too many", () => {
    const lines = picture(fast(33 * second), { mostRows: 2 });
    expect(lines.filter((text) => text.includes("verify-only") && !text.includes("##++"))).toEqual([]);
  });

  test("says when it rotates next in as many words as there is room for", () => {
    const story = monthly(42 * day);
    expect(picture(story, { columns: 140 })[0]).toContain("next rotation 20 Jan 00:00, in 18d");
    expect(picture(story, { columns: 60 })[0]).toMatch(/now 00:00 v\s+v rotates$/);
  });

  test("calls keys that begin alike by more characters, until they differ", () => {
    const { ring, nowMs } = fast(0);
    const alike = { ...ring, signer: { ...ring.signer, kid: "abcdefghijA" } };
    const both = {
      ...alike,
      standby: { ...(ring.standby ?? alike.signer), state: "prepared", kid: "abcdefghijB" } as const,
    };
    const lines = renderTimeline({ ring: both, forecast: [], nowMs, columns: 80, colour: false });
    expect(lines.filter((text) => /^ abcdefghij[AB] {2}/.test(text))).toHaveLength(2);
  });
});
