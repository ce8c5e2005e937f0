import { describe, expect, test } from "vitest";
import { timeline } from "../../../src/tools/timeline/show-timeline.ts";
import { day, hour } from "../../support/story.ts";
import { FakeIo, pipe } from "../support/fake-io.ts";
import { StoryHome } from "../support/story-home.ts";

const monthly = (): StoryHome => StoryHome.settled().run(700 * hour);

async function shown(futureMs: number | undefined, columns = 100, home = monthly()): Promise<FakeIo> {
  const io = new FakeIo({ look: { ...pipe, columns } });
  expect(await timeline(home, { ...(futureMs !== undefined && { futureMs }) }, io)).toBe(0);
  return io;
}

const narrow = 30;

describe("timeline", () => {
  test("draws the future as far as it is asked for: no key goes on where nobody has looked", async () => {
    const { lines, err } = await shown(400 * day);
    const rows = lines.filter((text) => text.includes("new key"));
    expect(rows.length).toBeGreaterThan(10);
    // Each month's key but the last two has ended before the right edge
    for (const row of rows.slice(0, -3)) expect(row.length, row).toBeLessThan(95);
    expect(err.text).toBe("");
  });

  test("ends where it can't draw all that comes, and says so", async () => {
    const { lines, err } = await shown(
      400 * day,
      100,
      StoryHome.settled({ schedule: { kind: "interval", everyMs: day } }),
    );
    expect(err.text).toMatch(/^keyturn: note: the picture ends on \d+ Dec .*: more keys come until then than fit/);
    expect(lines.filter((text) => text.includes("new key")).length).toBeGreaterThan(12);
    expect(lines.find((text) => / active /.test(text))).toBeDefined();
    expect(lines.at(-3), "the axis").toMatch(/23 Nov +28 Nov +3 Dec/);
    expect(lines.join("\n")).not.toContain("time left out");
    expect(lines).toContainEqual(expect.stringMatching(/^ new key 12 +to come/));
  });

  test("tells in a list what the picture shows, and no more", async () => {
    const list = (await shown(undefined, narrow)).lines;
    expect(list).toContain("new key 1");
    expect(list).not.toContain("new key 2");
    const far = (await shown(100 * day, narrow)).lines;
    expect(far).toContain("new key 3");
  });

  test("lists each state of a key, however short it is", async () => {
    const list = (await shown(100 * day, narrow)).lines;
    const first = list.slice(list.indexOf("new key 1") + 1, list.indexOf("new key 2"));
    expect(first.map((text) => text.trim().split("  ")[1])).toEqual(["prepared", "active", "verify-only", "pruned"]);
  });
});
