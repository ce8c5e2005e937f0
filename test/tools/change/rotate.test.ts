import { describe, expect, test } from "vitest";
import { rotate } from "../../../src/tools/change/rotate.ts";
import { epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;

/** Soon enough to be waited for second by second. */
const soon = { propagationMs: 10 * second };

describe("rotate", () => {
  test("asks, and says what it waits for", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: false }, io)).toBe(0);
    expect(home.asked).toEqual([{ kind: "rotate", requestedAt: "2026-11-21T00:00:00.000Z" }]);
    expect(io.lines).toEqual([
      "Rotation of default/gateway requested",
      `Now waiting: activate ${short("k2")}: propagation until 00:30:00 (in 30m)`,
    ]);
  });

  test("says that it is done, when nothing holds it and somebody does it at once", async () => {
    const home = StoryHome.settled();
    home.run(30 * minute);
    const io = new FakeIo({ home });
    await rotate(home, { wait: false }, io);
    expect(io.lines.slice(1)).toEqual([
      `Rotated: key ${short("k2")} signs now; tokens of key ${short("k1")} stay valid until they end`,
    ]);
    expect(io.progress).toEqual([]);
  });

  test("does not say what something else waits for", async () => {
    const home = StoryHome.settled();
    home.story.requests = ["override:earlier"];
    home.run(30 * minute);
    const ack = { generation: home.ring().generation, verifies: ["k1", "k2", "k3"], signs: "k1" };
    home.story.gateways = [{ name: "gw-9", ready: true, ack }];
    const io = new FakeIo({ home });
    await rotate(home, { wait: false }, io);
    expect(io.lines.slice(1)).toEqual([`Now waiting: activate ${short("k3")}: propagation until 01:00:00 (in 30m)`]);
  });

  test("stays until the new key signs, and tells what happens", async () => {
    const home = StoryHome.settled(soon, ["gw-1"]);
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: true }, io)).toBe(0);
    expect(home.ring().signer.kid).toBe(kidOf("k2"));
    expect(home.nowMs).toBe(epoch + 10 * second);
    expect(io.lines.at(-1)).toBe(
      `Rotated: key ${short("k2")} signs now; tokens of key ${short("k1")} stay valid until they end`,
    );
    expect(io.progress).toEqual([
      `00:00:00  waiting      activate ${short("k2")}: propagation until 00:00:10 (in 10s)`,
      `00:00:10  active       key ${short("k2")} signs now`,
      `00:00:10  verify-only  key ${short("k1")} signs no longer; its tokens stay valid until they end`,
      `00:00:10  prepared     key ${short("k3")} (ES256) is prepared`,
      `00:00:10  published    key ${short("k3")} is published: every verifier accepts it`,
      `00:00:10  quiesced     key ${short("k1")} is quiesced: nobody signs with it any more`,
    ]);
  });

  test("gives up with 4 when the patience ends, and says what it waited for", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: true, deadline: io.deadlineIn(minute) }, io)).toBe(4);
    expect(io.progress.at(-1)).toBe(
      `keyturn: timed out while waiting: activate ${short("k2")}: propagation until 00:30:00 (in 29m)`,
    );
    expect(home.story.requests).toHaveLength(1);
  });

  test("ends with 1 when it is interrupted", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home }).interruptIn(minute);
    expect(await rotate(home, { wait: true }, io)).toBe(1);
    expect(io.progress.at(-1)).toContain("keyturn: interrupted while waiting");
  });

  test("is done when a newer request took its place and was done", async () => {
    const home = StoryHome.settled(soon);
    const io = new FakeIo({ home });
    home.change = async () => {
      home.story.requests = ["override:a newer one"];
    };
    expect(await rotate(home, { wait: true }, io)).toBe(0);
    expect(home.ring().signer.kid).toBe(kidOf("k2"));
  });

  test("is not done by the rotation before it", async () => {
    const home = StoryHome.settled(soon);
    home.story.requests = ["override:earlier"];
    home.run(30 * minute);
    expect(home.ring().signer.kid).toBe(kidOf("k2"));
    const io = new FakeIo({ home });
    await rotate(home, { wait: true }, io);
    expect(home.ring().signer.kid).toBe(kidOf("k3"));
  });

  test("remarks that a pin holds it up, and how to end it", async () => {
    const home = StoryHome.settled();
    home.story.policy = { ...home.story.policy, pinnedKid: "k1" };
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: false }, io)).toBe(0);
    expect(io.progress).toEqual([
      "keyturn: default/gateway is pinned: it rotates when the pin ends (keyturn rollback --unpin)",
    ]);
  });

  test("remarks that a suspension holds it up", async () => {
    const home = StoryHome.settled();
    home.story.policy = { ...home.story.policy, suspend: true };
    const io = new FakeIo({ home });
    await rotate(home, { wait: false }, io);
    expect(io.progress).toEqual(["keyturn: default/gateway is suspended: it rotates when the suspension ends"]);
  });

  test("refuses while the rotation is stalled, and asks for nothing", async () => {
    const home = StoryHome.settled();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    await expect(rotate(home, { wait: false }, new FakeIo({ home }))).rejects.toMatchObject({
      name: "RuleError",
      code: "Stalled",
      message: expect.stringMatching(
        /^Cannot rotate: default\/gateway is stalled: the ring object can't be read/,
      ) as string,
    });
    expect(home.asked).toEqual([]);
  });

  test("names a silent gateway while it waits", async () => {
    const home = StoryHome.settled();
    home.run(hour);
    const io = new FakeIo({ home });
    home.story.gateways = [{ name: "gw-9", ready: true }];
    // Nobody answers: the story's own `run` would
    home.run = (ms) => {
      home.story.nowMs += ms;
      return home;
    };
    expect(await rotate(home, { wait: true, deadline: io.deadlineIn(2 * second) }, io)).toBe(4);
    expect(io.progress.at(-1)).toContain("gw-9 has not acknowledged");
  });
});
