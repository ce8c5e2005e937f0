import { describe, expect, test } from "vitest";
import { plain } from "../../../src/tools/text/cell-width.ts";
import { revoke, revokeCreatedBefore } from "../../../src/tools/change/revoke.ts";
import { rollback } from "../../../src/tools/change/rollback.ts";
import { rotate } from "../../../src/tools/change/rotate.ts";
import { recover } from "../../../src/tools/change/recover.ts";
import type { ChangeOptions } from "../../../src/tools/change/ask-change.ts";
import type { ExitCode } from "../../../src/tools/exit.ts";
import { hour, second } from "../../support/story.ts";
import { FakeIo, terminal } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const rotated = (): StoryHome =>
  StoryHome.settled({ schedule: { kind: "interval", everyMs: 6 * hour } }, ["gw-1"]).run(7 * hour);
const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;

describe("a change of what somebody else applies", () => {
  const elsewhere = { why: 'Cannot change it: it belongs to "argocd-controller"', manifest: { spec: { a: "b" } } };
  const managed = (more: object = { elsewhere }): StoryHome =>
    Object.assign(rotated(), { precheck: async () => ({ notes: ["a was set by b"], ...more }) });

  test("is refused, with what to commit on the output for others", async () => {
    const home = managed();
    const io = new FakeIo({ home });
    await expect(rotate(home, { wait: false }, io)).rejects.toMatchObject({
      name: "RuleError",
      ...{ code: "ChangeElsewhere", message: elsewhere.why },
    });
    expect(io.out.text).toBe("spec:\n  a: b\n");
    expect(io.err.text).toBe("");
    expect(home.asked).toEqual([]);
  });

  test("is made all the same with force, and says whose it is", async () => {
    const home = managed();
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: false, force: true }, io)).toBe(0);
    expect(io.progress).toEqual(["keyturn: note: a was set by b"]);
    expect(home.asked).toHaveLength(1);
  });

  test("shows in a dry run what would come of it, and why it would be refused", async () => {
    const home = managed();
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: false, dryRun: true }, io)).toBe(0);
    expect(io.progress).toEqual([`keyturn: note: ${elsewhere.why}`]);
    expect(io.lines).toContain("Due now");
    expect(home.asked).toEqual([]);
  });

  test("that nobody would undo says whose it is, and is made", async () => {
    const home = managed({});
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: false }, io)).toBe(0);
    expect(io.progress).toEqual(["keyturn: note: a was set by b"]);
    expect(home.asked).toHaveLength(1);
  });
});

test("what has to be known of a look is told once, before everything else", async () => {
  const home = Object.assign(rotated(), { remarks: () => ["the ring may not be read"] });
  const io = new FakeIo({ home });
  await rotate(home, { wait: true }, io);
  expect(io.progress[0]).toBe("keyturn: note: the ring may not be read");
  expect(io.progress.filter((text) => text.includes("may not be read"))).toHaveLength(1);
});

test("a change is dated by the clock of the home, not by that of this machine", async () => {
  const home = rotated();
  const io = Object.assign(new FakeIo({ home }), { nowMs: () => home.nowMs - 24 * hour });
  const beforeMs = home.nowMs;
  await rotate(home, { wait: false }, io);
  const { nowMs } = home;
  await revokeCreatedBefore(home, { wait: false, atMs: "now" }, io);
  expect(home.asked).toEqual([
    { kind: "rotate", requestedAt: new Date(beforeMs).toISOString() },
    { kind: "revokeCreatedBefore", atMs: nowMs },
  ]);
});

describe("a dry run", () => {
  type Run = (home: StoryHome, options: ChangeOptions, io: FakeIo) => Promise<ExitCode>;
  const runs: readonly (readonly [what: string, run: Run, comes: string])[] = [
    ["of rotate", rotate, ` key ${short("k3")} becomes the signer, because of a request`],
    [
      "of rollback",
      (home, options, io) => rollback(home, { ...options, unpin: false }, io),
      ` key ${short("k1")} becomes the signer, because of a pin`,
    ],
    [
      "of revoke",
      (home, options, io) => revoke(home, { ...options, kid: kidOf("k2"), reason: "stolen", unknown: false }, io),
      ` key ${short("k2")} is revoked: stolen`,
    ],
    [
      "of revoke --created-before",
      (home, options, io) => revokeCreatedBefore(home, { ...options, atMs: home.nowMs }, io),
      " keys made before 2026-11-21T07:00:00.000Z are revoked",
    ],
  ];

  test.each(runs)("%s shows what would come of it, and asks for nothing", async (_, run, comes) => {
    const home = rotated();
    const before = home.ring();
    const io = new FakeIo({ home });
    expect(await run(home, { wait: false, dryRun: true }, io)).toBe(0);
    expect(io.lines[0]).toBe("default/gateway  at 07:00:00, as if it had been asked for; nothing was done");
    expect(io.lines[2]).toBe("Due now");
    expect(io.lines).toContain(comes);
    expect(home.asked).toEqual([]);
    expect(home.ring()).toEqual(before);
  });

  test("of rollback --unpin shows that the schedule decides again", async () => {
    const home = rotated();
    home.story.policy = { ...home.story.policy, pinnedKid: "k1" };
    home.run(5 * hour);
    const io = new FakeIo({ home });
    await rollback(home, { wait: false, dryRun: true, unpin: true }, io);
    expect(home.asked).toEqual([]);
    expect(io.lines.join("\n")).toContain("the schedule until");
  });

  test("of recover shows how the ring is rebuilt", async () => {
    const home = rotated();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    const io = new FakeIo({ home });
    await recover(home, { wait: false, dryRun: true }, io);
    expect(io.lines[3]).toBe(" the ring is rebuilt from what is left of it, as requested");
    expect(home.asked).toEqual([]);
  });

  test("refuses what the real run would refuse", async () => {
    const home = rotated();
    const options = { wait: false, dryRun: true, unpin: false, to: "stranger" };
    await expect(rollback(home, options, new FakeIo({ home }))).rejects.toMatchObject({ code: "NoWayBack" });
  });
});

describe("waiting on a terminal", () => {
  test("counts down in a last line, which is gone before anything else is said", async () => {
    const home = StoryHome.settled({ propagationMs: 3 * second });
    const io = new FakeIo({ home, look: terminal, live: true });
    await rotate(home, { wait: true }, io);
    const [first, ...rest] = io.err.text.split("\r\u001b[2K").slice(1).map(plain);
    expect(first).toBe(`waiting: activate ${kidOf("k2").slice(0, 8)}…: propagation until 00:00:03 (in 3s)`);
    expect(rest.slice(0, 2).map((text) => text.slice(-6))).toEqual(["in 2s)", "in 1s)"]);
    expect(rest.at(-1)).toMatch(/^00:00:03 {2}active .*\n$/s);
    expect(io.err.text.split("\n").slice(1).join("\n")).not.toContain("\r");
  });

  test("wipes the line when the patience ends", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home, look: terminal, live: true });
    await rotate(home, { wait: true, deadline: io.deadlineIn(2 * second) }, io);
    expect(io.err.text).toMatch(/\r\u001b\[2Kkeyturn: timed out while waiting: .*\n$/);
  });

  test("keeps the line within the width of the terminal", async () => {
    const home = StoryHome.settled(
      {},
      Array.from({ length: 20 }, (_, n) => `gateway-${n}`),
    );
    home.story.gateways = home.story.gateways.map(({ name }) => ({ name, ready: true }));
    home.run = (ms) => {
      home.story.nowMs += ms;
      return home;
    };
    const io = new FakeIo({ home, look: terminal, live: true });
    await rotate(home, { wait: true, deadline: io.deadlineIn(second) }, io);
    const pending = io.err.text
      .split("\r\u001b[2K")
      .map(plain)
      .filter((text) => text.startsWith("waiting:"));
    expect(Math.max(...pending.map((text) => text.length))).toBe(99);
  });
});
