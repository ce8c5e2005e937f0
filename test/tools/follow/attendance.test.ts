import { describe, expect, test } from "vitest";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { revoke } from "../../../src/tools/change/revoke.ts";
import { rotate } from "../../../src/tools/change/rotate.ts";
import { status } from "../../../src/tools/status/show-status.ts";
import { wait } from "../../../src/tools/follow/wait.ts";
import { epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;
const nobody = { kind: "nobody", why: "no process runs here", remedy: "start one" } as const;

/** Time passes, and nobody does anything. */
function idle(home: StoryHome, factor = 1): StoryHome {
  home.run = (ms) => {
    home.story.nowMs += factor * ms;
    return home;
  };
  return home;
}

/** Each pause takes half a minute. */
const long = 30;

/** A second key that could sign, and a request for it. */
function due(kept: StoryHome["kept"], factor = 1): StoryHome {
  const home = StoryHome.settled().run(hour);
  home.kept = kept;
  home.story.requests = ["override:1"];
  return idle(home, factor);
}

async function shown(home: StoryHome, output?: "json") {
  const io = new FakeIo({ home });
  expect(await status(home, { watch: false, ...(output && { output }) }, io)).toBe(0);
  return io;
}

describe("status", () => {
  test("says who carries it out", async () => {
    expect((await shown(StoryHome.settled())).out.text).toMatch(/^ Kept by +process 4711 on host$/m);
  });

  test("says that nobody does, however ready it looks", async () => {
    const home = StoryHome.settled();
    home.kept = nobody;
    const { lines, out } = await shown(home);
    expect(lines[2]).toBe(" X Neglected    nobody carries it out: no process runs here; start one");
    expect(out.text).toMatch(/^ Kept by +nobody$/m);
    expect(home.nowMs).toBe(epoch);
  });

  test("says so beside a document for programs", async () => {
    const home = StoryHome.settled();
    home.kept = nobody;
    const { err, out } = await shown(home, "json");
    expect(err.text).toBe("keyturn: warning: nobody carries it out: no process runs here; start one\n");
    expect(JSON.parse(out.text)).toMatchObject({ kind: "JwtKeyRotation" });
  });

  test("says that it can't be told, without alarm", async () => {
    const home = StoryHome.settled();
    home.kept = { kind: "unknown", why: "the Lease may not be read here" };
    const { out } = await shown(home);
    expect(out.text).toMatch(/^ Kept by +can't be told: the Lease may not be read here$/m);
    expect(out.text).not.toContain("Neglected");
  });

  test("waits a moment for what is due to be done", async () => {
    const home = StoryHome.settled().run(hour);
    home.story.requests = ["override:1"];
    const { out } = await shown(home);
    expect(out.text).not.toContain("Due now");
    expect(home.nowMs).toBe(epoch + hour + 50);
  });

  test.each([
    [{ kind: "acts", who: "process 4711" }, "process 4711 does not get on, its log says why"],
    [{ kind: "unknown", why: "no Lease" }, "whether anybody carries it out can't be told, no Lease"],
  ] as const)("says after 5 s that what is due is not done: %j", async (kept, rest) => {
    const home = due(kept);
    const { out } = await shown(home);
    expect(out.text).toContain(
      ` X Neglected    key ${short("k2")} becomes the signer, because of a request, due since 01:00:00 (5s ago) at least: ${rest}\n`,
    );
    expect(home.nowMs).toBe(epoch + hour + 5 * second);
  });

  test("shows what can be seen although it can't be asked who carries it out", async () => {
    const home = Object.assign(StoryHome.settled(), {
      keeper: () => Promise.reject(new TryLaterError("TimedOut", "Cannot get leases: timed out")),
    });
    expect((await shown(home)).out.text).toMatch(/^ Kept by +can't be told: Cannot get leases: timed out$/m);
  });

  test("watched, tells when somebody carries it out no longer, and when somebody does again", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home }).interruptIn(20 * second);
    const run = home.run.bind(home);
    home.run = (ms) => {
      const atMs = home.nowMs - epoch;
      home.kept = atMs >= 4 * second && atMs < 12 * second ? nobody : { kind: "acts", who: "process 1" };
      return run(ms);
    };
    await status(home, { watch: true }, io);
    expect(io.lines.filter((text) => text.includes("waiting  ")).map((text) => text.slice(10))).toEqual([
      "waiting      nobody carries it out: no process runs here; start one",
      expect.stringMatching(/^waiting {6}activate/) as string,
    ]);
  });
});

describe("a change", () => {
  const revoking = { kid: kidOf("k1"), reason: "stolen", unknown: false, wait: false } as const;

  test("warns that nobody carries it out", async () => {
    const home = idle(StoryHome.settled());
    home.kept = nobody;
    const io = new FakeIo({ home });
    expect(await revoke(home, revoking, io)).toBe(0);
    expect(home.asked).toHaveLength(1);
    expect(io.progress).toEqual(["keyturn: warning: nobody carries it out: no process runs here; start one"]);
  });

  test("warns that it is not done by somebody who does not get on", async () => {
    const home = idle(StoryHome.settled());
    const io = new FakeIo({ home });
    await revoke(home, revoking, io);
    expect(io.lines.at(-1)).toMatch(/^Due now: /);
    expect(io.progress).toEqual([
      expect.stringMatching(
        /^keyturn: warning: .* due since .*: process 4711 on host does not get on, its log says why$/,
      ),
    ]);
  });
});

describe("waiting", () => {
  test("says that nobody carries it out, once, and gives up after ten minutes with that", async () => {
    const home = due(nobody, long);
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: true }, io)).toBe(4);
    expect(io.progress).toEqual([
      "01:00:00  waiting      nobody carries it out: no process runs here; start one",
      "keyturn: timed out while waiting: nobody carries it out: no process runs here; start one",
    ]);
    expect(home.nowMs).toBe(epoch + hour + 10 * minute);
  });

  test("says what is due and not done", async () => {
    const home = due({ kind: "acts", who: "process 4711" });
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: true, deadline: io.deadlineIn(20 * second) }, io)).toBe(4);
    expect(io.progress[0]).toMatch(/^01:00:05 {2}waiting .*becomes the signer.*process 4711 does not get on/);
    expect(io.progress).toHaveLength(2);
  });

  test("says why the home can't be looked at, and gives up after ten minutes", async () => {
    const home = idle(StoryHome.settled(), long);
    const io = new FakeIo({ home });
    const observe = home.observe.bind(home);
    let looks = 0;
    home.observe = () => {
      if (looks++ === 0) return observe();
      return Promise.reject(new TryLaterError("Unreachable", "Cannot reach the API server"));
    };
    expect(await wait(home, { for: { step: "activate" } }, io)).toBe(4);
    expect(io.progress).toEqual([
      "00:00:00  waiting      Cannot reach the API server",
      "keyturn: timed out while waiting: Cannot reach the API server",
    ]);
    expect(home.nowMs).toBe(epoch + 10 * minute);
  });

  test("without a limit waits as long as what it waits for is foreseen", async () => {
    const home = StoryHome.settled({ schedule: { kind: "interval", everyMs: 2 * hour } });
    const run = home.run.bind(home);
    home.run = (ms) => run(long * ms);
    expect(await wait(home, { for: { step: "activate" } }, new FakeIo({ home }))).toBe(0);
    expect(home.nowMs).toBe(epoch + 2 * hour);
  });

  test("without a limit gives up ten minutes after the last time that it was foreseen, when a gateway does not answer", async () => {
    const home = StoryHome.settled({ propagationMs: 5 * minute }, ["gw-1"]);
    const { story } = home;
    story.gateways = [...story.gateways, { name: "gw-2", ready: true }];
    home.run = (ms) => {
      story.nowMs += long * ms;
      story.pass();
      return home;
    };
    const io = new FakeIo({ home });
    expect(await rotate(home, { wait: true }, io)).toBe(4);
    expect(io.progress.at(-1)).toContain("gw-2 has not acknowledged");
    expect(home.nowMs).toBe(epoch + 14.5 * minute);
  });
});
