import { describe, expect, test } from "vitest";
import { recover } from "../../src/tools/recover.ts";
import { hour } from "../support/story.ts";
import { FakeIo } from "./support/fake-io.ts";
import { StoryHome } from "./support/story-home.ts";

const settled = (): StoryHome => StoryHome.settled().run(hour);

describe("recover", () => {
  test("asks for a recovery of a ring that can't be read, and stays until it is there", async () => {
    const home = settled();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    const io = new FakeIo({ home });
    expect(await recover(home, { wait: true }, io)).toBe(0);
    expect(home.asked).toEqual([{ kind: "recover", requestedAtMs: home.nowMs }]);
    expect(io.lines).toEqual([
      "Recovery of default/gateway requested",
      `Recovered: default/gateway goes on with generation ${home.ring().generation}`,
    ]);
  });

  test("asks for a recovery of a ring that is older than what others saw, with keys of one's own", async () => {
    const home = settled();
    home.found = { claims: [{ by: "gw-1", generation: home.ring().generation + 1 }] };
    const io = new FakeIo({ home });
    await recover(home, { wait: false, jwks: '{"keys":[]}' }, io);
    expect(home.asked).toEqual([{ kind: "recover", requestedAtMs: home.nowMs, jwks: '{"keys":[]}' }]);
  });

  test("refuses a ring that is sound", async () => {
    const home = settled();
    await expect(recover(home, { wait: false }, new FakeIo({ home }))).rejects.toMatchObject({
      name: "RuleError",
      message: "Cannot recover default/gateway: must be stalled, its ring is sound",
    });
    expect(home.asked).toEqual([]);
  });

  test("refuses a conflict, which a recovery does not mend", async () => {
    const home = settled();
    home.found = { public: { kind: "foreign", problem: "it has no label of ours" } };
    await expect(recover(home, { wait: false }, new FakeIo({ home }))).rejects.toMatchObject({
      name: "RuleError",
      code: "NotRecoverable",
      message: expect.stringContaining("it has no label of ours") as string,
    });
  });
});
