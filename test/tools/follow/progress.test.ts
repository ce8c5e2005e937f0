import { describe, expect, test } from "vitest";
import { eventsBetween } from "../../../src/tools/follow/progress.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { minute, second, Story } from "../../support/story.ts";

const told = (before: Ring | undefined, after: Ring): readonly string[] =>
  eventsBetween(before, after).map(({ what, text }) => `${what}: ${text}`);

describe("happenings", () => {
  test("tells nothing of a ring that stayed the same", () => {
    const story = new Story();
    story.settle();
    expect(told(story.ring, story.ring)).toEqual([]);
  });

  test("tells of a new ring", () => {
    const story = new Story();
    story.pass();
    expect(told(undefined, story.ring)).toEqual([
      "active: key k1 (ES256) is new, and signs now",
      "prepared: key k2 (ES256) is prepared",
    ]);
  });

  test("tells a rotation step by step, in the order in which people think of it", () => {
    const story = new Story({ propagationMs: minute, rollbackWindowMs: 0 });
    story.settle();
    story.run(minute);
    story.requests = ["override:1"];
    const lines: string[] = [];
    let before = story.ring;
    for (let passes = 0; passes < 200; passes++) {
      story.pass();
      lines.push(...told(before, story.ring));
      before = story.ring;
      story.project();
      story.nowMs += minute;
    }
    expect(lines).toEqual([
      "active: key k2 signs now",
      "verify-only: key k1 signs no longer; its tokens stay valid until they end",
      "prepared: key k3 (ES256) is prepared",
      "published: key k3 is published: every verifier accepts it",
      "quiesced: key k1 is quiesced: nobody signs with it any more",
      "stripped: key k1 has lost its private half: no way back to it",
      "pruned: key k1 is pruned: its last token has ended",
    ]);
  });

  test("tells of a revoked signer and the key that takes over", () => {
    const story = new Story();
    story.settle();
    const before = story.ring;
    story.nowMs += second;
    story.policy = { ...story.policy, revokedKids: [{ kid: "k1" }, { kid: "stranger" }] };
    story.pass();
    expect(told(before, story.ring)).toEqual([
      "revoked: key k1 is revoked: its tokens are refused from now on",
      "revoked: key stranger is revoked, should it ever turn up",
      "active: key k2 signs now",
      "prepared: key k3 (ES256) is prepared",
    ]);
  });

  test("tells nothing of old revocations when there was no look before", () => {
    const story = new Story({ revokedKids: [{ kid: "stranger" }] });
    story.pass();
    expect(told(undefined, story.ring).filter((text) => text.startsWith("revoked"))).toEqual([]);
  });
});
