import { describe, expect, test } from "vitest";
import { plan } from "../../src/tools/plan/show-plan.ts";
import { status } from "../../src/tools/status/show-status.ts";
import { widthOf } from "../../src/tools/text/cell-width.ts";
import { timeline } from "../../src/tools/timeline/show-timeline.ts";
import { hour, minute } from "../support/story.ts";
import { FakeIo, pipe } from "./support/fake-io.ts";
import { StoryHome } from "./support/story-home.ts";

const every = (everyMs: number): StoryHome => StoryHome.settled({ schedule: { kind: "interval", everyMs } });
const homes = [
  ["by the hour", every(6 * hour).run(7 * hour)],
  ["by the month", StoryHome.settled().run(700 * hour)],
  ["at midnight", every(12 * hour).run(47 * hour + 59 * minute)],
  ["often", every(90 * minute).run(31 * hour)],
] as const;

async function shown(tool: (io: FakeIo) => Promise<number>, columns: number): Promise<readonly string[]> {
  const io = new FakeIo({ look: { ...pipe, columns, unicode: true }, live: true });
  expect(await tool(io)).toBe(0);
  return io.lines;
}

describe.each(homes)("%s", (_, home) => {
  const tools = {
    status: (io: FakeIo) => status(home, { watch: false }, io),
    timeline: (io: FakeIo) => timeline(home, {}, io),
    plan: (io: FakeIo) => plan(home, {}, io),
  };

  test.each([120, 80, 60, 50, 40, 20])("everything fits into %i columns", async (columns) => {
    for (const tool of Object.values(tools)) {
      for (const text of await shown(tool, columns)) expect(widthOf(text), text).toBeLessThanOrEqual(columns);
    }
  });

  test("no label stands on the axis twice", async () => {
    for (let columns = 40; columns <= 160; columns += 1) {
      const lines = await shown(tools.timeline, columns);
      const axis = lines.findIndex((text) => /^ +[─┴╱┃]+$/.test(text));
      const labels = (lines[axis + 1] ?? "").trim().split(/ {2,}/);
      const dates = labels.filter((label) => /[A-Z]/.test(label));
      expect(dates, String(columns)).toEqual([...new Set(dates)]);
      // A time is said once for each day
      const days = labels.join("|").split(/(?=\d+ [A-Z])/);
      for (const day of days) {
        const times = day.split("|").filter((label) => label !== "");
        expect(times, String(columns)).toEqual([...new Set(times)]);
      }
    }
  });

  test("below 40 columns the keys stand in a list, in the place of a picture", async () => {
    const lines = await shown(tools.timeline, 30);
    expect(lines.join("\n")).not.toMatch(/[┃━█]/);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}.*\d\d:\d\d {2}active$/));
    expect((await shown(tools.status, 30)).join("\n")).not.toMatch(/[┃━█]/);
  });
});
