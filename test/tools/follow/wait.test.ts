import { describe, expect, test } from "vitest";
import { wait, waitForOf, type WaitFor } from "../../../src/tools/follow/wait.ts";
import { epoch, hour, minute, policy, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

/** Soon enough to be waited for second by second. */
const everyMinute = {
  schedule: { kind: "interval", everyMs: minute },
  propagationMs: 10 * second,
  clockSkewMs: 0,
  profile: { ...policy.profile, maxTTLMs: 20 * second },
  rotationWindowMs: 20 * second,
  rollbackWindowMs: 0,
} as const;
const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;

async function waited(home: StoryHome, target: WaitFor, patienceMs = hour) {
  const io = new FakeIo({ home });
  const code = await wait(home, { for: target, deadline: io.deadlineIn(patienceMs) }, io);
  return { code, last: io.lines.at(-1) };
}

describe("waitForOf", () => {
  test.each([
    ["Ready", "Ready"],
    ["ready", "Ready"],
    ["condition=Ready", "Ready"],
    ["rotated", "rotated"],
    ["step=activate", { step: "activate" }],
    ["step=prune", { step: "prune" }],
    ["step=", undefined],
    ["step=dance", undefined],
    ["", undefined],
  ])("reads %s", (text, target) => {
    expect(waitForOf(text)).toEqual(target);
  });
});

describe("wait", () => {
  test("for Ready: until every verifier accepts the signer", async () => {
    const home = new StoryHome();
    expect(await waited(home, "Ready")).toEqual({ code: 0, last: "default/gateway is ready" });
    expect(home.nowMs).toBeGreaterThan(epoch);
  });

  test("for Ready: not at all when it is", async () => {
    const home = StoryHome.settled();
    await waited(home, "Ready");
    expect(home.nowMs).toBe(epoch);
  });

  test("for rotated: until what was asked for is done", async () => {
    const home = StoryHome.settled(everyMinute);
    home.story.requests = ["override:1"];
    expect(await waited(home, "rotated")).toEqual({
      code: 0,
      last: `default/gateway is rotated: key ${short("k2")} signs`,
    });
    expect(home.nowMs).toBe(epoch + 10 * second);
  });

  test("for rotated: not at all when nothing was asked for", async () => {
    const home = StoryHome.settled();
    expect((await waited(home, "rotated")).code).toBe(0);
    expect(home.nowMs).toBe(epoch);
  });

  test.each([
    ["activate", minute, `Key ${short("k2")} signs now`],
    ["create", minute, `Key ${short("k3")} (ES256) is prepared`],
    ["publish", minute, `Key ${short("k3")} is published: every verifier accepts it`],
    ["quiesce", minute, `Key ${short("k1")} is quiesced: nobody signs with it any more`],
    ["forget", minute + 10 * second, `Key ${short("k1")} has lost its private half: no way back to it`],
    ["prune", minute + 30 * second, `Key ${short("k1")} is pruned: its last token has ended`],
  ] as const)("for the next step of a kind: %s", async (step, afterMs, last) => {
    const home = StoryHome.settled(everyMinute);
    expect(await waited(home, { step })).toEqual({ code: 0, last });
    expect(home.nowMs).toBe(epoch + afterMs);
  });

  test("gives up with 4", async () => {
    expect((await waited(StoryHome.settled(everyMinute), { step: "activate" }, 30 * second)).code).toBe(4);
  });
});
