import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { plain } from "../../../src/tools/text/cell-width.ts";
import { status } from "../../../src/tools/status/show-status.ts";
import type { StatusDocument } from "../../../src/ring/status.ts";
import { day, epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo, terminal } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const rotatedHome = (): StoryHome => StoryHome.settled({}, ["gw-1", "gw-2"]).run(30 * day + hour);

/** @param isFrozen - No time passes while it looks */
async function documentOf(home: StoryHome, isFrozen = false): Promise<StatusDocument> {
  const io = new FakeIo(isFrozen ? {} : { home });
  await status(home, { output: "json", watch: false }, io);
  return JSON.parse(io.out.text) as StatusDocument;
}

interface ShownOptions {
  readonly wide?: boolean;
  /** No time passes while it looks. */
  readonly isFrozen?: boolean;
}

async function shown(home: StoryHome, options: ShownOptions = {}): Promise<readonly string[]> {
  const io = new FakeIo(options.isFrozen ? {} : { home });
  await status(home, { watch: false, ...(options.wide && { output: "wide" }) }, io);
  return io.lines;
}

describe("status for people", () => {
  test("shows conditions, what comes next, the picture and the keys", async () => {
    const io = new FakeIo({ home: rotatedHome(), look: { ...terminal, colour: false } });
    const home = rotatedHome();
    expect(await status(home, { watch: false }, io)).toBe(0);
    await expect(io.out.text).toMatchFileSnapshot("pictures/status.txt");
  });

  test("shows whole kids and more columns when it is wide", async () => {
    const lines = await shown(rotatedHome(), { wide: true });
    expect(lines.some((text) => text.includes(kidOf("k1")) && text.includes("verify-only"))).toBe(true);
    expect(lines.join("\n")).toContain("QUIESCED");
  });

  test("has the same text with colours", async () => {
    const home = rotatedHome();
    const [coloured, bare] = [new FakeIo({ look: terminal }), new FakeIo({ look: { ...terminal, colour: false } })];
    await status(home, { watch: false }, coloured);
    await status(home, { watch: false }, bare);
    expect(plain(coloured.out.text)).toBe(bare.out.text);
    expect(coloured.out.text).toContain("\u001b[");
  });

  test("names the gateways that it waits for", async () => {
    const home = rotatedHome();
    home.story.requests = ["override:1"];
    const [first] = home.story.gateways;
    const verifies = first?.ack?.verifies.filter((kid) => kid === first.ack?.signs) ?? [];
    home.story.gateways = [...home.story.gateways, { name: "gw-3", ready: true, ack: { generation: 1, verifies } }];
    const text = (await shown(home)).join("\n");
    expect(text).toContain("Gateways        2 of 3 up to date, waiting for gw-3");
    expect(text).toContain("~ Rotating");
    expect(text).toMatch(/^ Next rotation +waits: gw-3 does not accept the key yet/m);
  });

  test.each<[text: string, change: (home: StoryHome) => void]>([
    ["on request only", ({ story }) => (story.policy = { ...story.policy, schedule: { kind: "onRequest" } })],
    ["none while it is pinned", ({ story }) => (story.policy = { ...story.policy, pinnedKid: kidOf("k1") })],
    ["none while it is suspended", ({ story }) => (story.policy = { ...story.policy, suspend: true })],
    ["none while it is stalled", ({ story }) => (story.clockTrusted = false)],
  ])("says %j where the next rotation has no time", async (text, change) => {
    const home = StoryHome.settled();
    change(home);
    expect((await shown(home)).find((line) => line.startsWith(" Next rotation"))).toBe(` Next rotation   ${text}`);
  });

  test("says what a person must do when nothing can go on", async () => {
    const home = rotatedHome();
    home.found = { ring: { kind: "unreadable", problem: "$.keys must be a list" } };
    const lines = await shown(home);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^ X Not ready {4}the ring object can't be read: \$\.keys must be a list; request a recovery/,
      ),
    );
    expect(lines.filter((text) => text.includes("X Stalled"))).toEqual([]);
  });

  test("is not ready while the keeper reports another writer, which a look can't see", async () => {
    const home = StoryHome.settled();
    const observe = home.observe.bind(home);
    const rival = { reason: "SeveralControllers", message: "another controller looks after it, too" };
    home.observe = async () => ({ ...(await observe()), rival });
    expect((await shown(home))[2]).toBe(" X Not ready    another controller looks after it, too");
    const { conditions } = (await documentOf(home)).status;
    expect(conditions).toContainEqual({ type: "Stalled", status: "True", ...rival });
  });

  test("tells what has to be known beside it: for people in the picture, for programs where no pipe has it", async () => {
    const home = Object.assign(StoryHome.settled(), { remarks: () => ["the ring may not be read"] });
    expect(await shown(home)).toContain(" ! Note         the ring may not be read");
    const io = new FakeIo({ home });
    await status(home, { watch: false, output: "json" }, io);
    expect(io.err.text).toBe("keyturn: note: the ring may not be read\n");
    expect(io.out.text).not.toContain("may not be read");
  });

  test("says that there is no ring yet, and draws nothing", async () => {
    const text = (await shown(new StoryHome(), { isFrozen: true })).join("\n");
    expect(text).toContain("X Not ready");
    expect(text).toContain("Generation    none");
    expect(text).not.toContain("KID");
  });

  test("shows the newest revocations with their reasons, and how to see the rest", async () => {
    const home = rotatedHome();
    const kids = ["a", "b", "c", "d", "e", "f"].map((kid) => ({ kid: `stranger-${kid}`, reason: `reason ${kid}` }));
    home.story.policy = { ...home.story.policy, revokedKids: kids };
    home.story.settle();
    const text = (await shown(home)).join("\n");
    expect(text).toContain("reason f");
    expect(text).not.toContain("reason a");
    expect(text).toContain("and 1 more: -o wide");
    expect((await shown(home, { wide: true })).join("\n")).toContain("reason a");
  });

  test("shows a pin, and a suspension", async () => {
    const home = rotatedHome();
    home.story.policy = { ...home.story.policy, pinnedKid: "k2", suspend: true };
    const text = (await shown(home)).join("\n");
    expect(text).toContain("! Pinned");
    expect(text).toContain("! Suspended");
  });
});

describe("status for programs", () => {
  test("has the fields of the custom resource's status", async () => {
    const { status: report, ...rest } = await documentOf(rotatedHome());
    expect(rest).toEqual({
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name: "gateway", namespace: "default" },
    });
    expect(report).toEqual({
      conditions: expect.arrayContaining([
        {
          type: "Ready",
          status: "True",
          reason: "SignerPublished",
          message: expect.stringContaining("signs") as string,
        },
      ]) as unknown,
      activeKid: kidOf("k2"),
      keys: [
        {
          kid: kidOf("k2"),
          algorithm: "ES256",
          state: "Active",
          createdTime: "2026-11-21T00:00:00.000Z",
          publishedTime: "2026-11-21T00:00:00.000Z",
          activatedTime: "2026-12-21T00:00:00.000Z",
        },
        {
          kid: kidOf("k3"),
          algorithm: "ES256",
          state: "Prepared",
          createdTime: "2026-12-21T00:00:00.000Z",
          publishedTime: "2026-12-21T00:00:00.000Z",
        },
        {
          kid: kidOf("k1"),
          algorithm: "ES256",
          state: "VerifyOnly",
          createdTime: "2026-11-21T00:00:00.000Z",
          publishedTime: "2026-11-21T00:00:00.000Z",
          activatedTime: "2026-11-21T00:00:00.000Z",
          demotedTime: "2026-12-21T00:00:00.000Z",
          quiescedTime: "2026-12-21T00:00:00.000Z",
          pruneTime: "2026-12-21T02:30:00.000Z",
        },
      ],
      lastRotationTime: "2026-12-21T00:00:00.000Z",
      nextRotationTime: "2027-01-20T00:00:00.000Z",
      ringGeneration: rotatedHome().ring().generation,
      objects: [],
      gateways: { expected: 2, acknowledged: 2, waitingFor: [] },
      waitingFor: expect.stringMatching(/^activate .*: the schedule until 2027-01-20T00:00:00.000Z$/) as string,
      plan: [
        expect.objectContaining({ step: "forget", notBefore: "2026-12-21T02:30:00.000Z" }),
        expect.objectContaining({ step: "prune", kid: kidOf("k1"), notBefore: "2026-12-21T02:30:00.000Z" }),
        expect.objectContaining({ step: "activate", kid: kidOf("k3"), notBefore: "2027-01-20T00:00:00.000Z" }),
      ],
      revocations: [],
    });
  });

  test("says the same in YAML", async () => {
    const home = rotatedHome();
    const io = new FakeIo({ home });
    await status(home, { output: "yaml", watch: false }, io);
    expect(parse(io.out.text)).toEqual(await documentOf(home));
  });

  test("leaves out what is not known while there is no ring", async () => {
    const { status: report } = await documentOf(new StoryHome(), true);
    expect(report).not.toHaveProperty("activeKid");
    expect(report).not.toHaveProperty("ringGeneration");
    expect(report.keys).toEqual([]);
  });

  test("says what is due, without a reason to wait", async () => {
    const { status: report } = await documentOf(new StoryHome(), true);
    expect(report.plan[0]).toEqual({ step: "begin", notBefore: "2026-11-21T00:00:00.000Z" });
  });

  test("counts no gateways when acknowledgements are ignored", async () => {
    const home = StoryHome.settled({ acknowledgements: "Ignored" }, ["gw-1"]);
    expect((await documentOf(home)).status.gateways).toEqual({ expected: 0, acknowledged: 0, waitingFor: [] });
  });

  test("calls a revocation acknowledged once no gateway accepts the key", async () => {
    const home = StoryHome.settled({}, ["gw-1"]);
    home.story.policy = { ...home.story.policy, revokedKids: [{ kid: "k2", reason: "stolen" }] };
    home.story.pass();
    const before = await documentOf(home);
    expect(before.status.revocations).toEqual([
      { kid: kidOf("k2"), time: "2026-11-21T00:00:00.000Z", acknowledged: false },
    ]);
    home.story.project().acked("gw-1");
    expect((await documentOf(home)).status.revocations[0]?.acknowledged).toBe(true);
  });

  test("names the last request without its origin", async () => {
    const home = StoryHome.settled({}, []);
    home.story.requests = ["spec:2026-11-21"];
    home.run(hour);
    expect((await documentOf(home)).status.lastHandledRequestID).toBe("2026-11-21");
  });

  test("holds a ring that is damaged by the newest projection that is left", async () => {
    const home = rotatedHome();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    const { status: report } = await documentOf(home);
    expect(report.activeKid).toBe(kidOf("k2"));
    expect(report.plan).toEqual([]);
    expect(report.waitingFor).toContain("no JSON");
  });
});

describe("status --watch", () => {
  test("writes the status once, then a line for each change", async () => {
    const home = StoryHome.settled({ schedule: { kind: "interval", everyMs: 6 * hour } });
    home.run(6 * hour - 2 * second);
    const io = new FakeIo({ home }).interruptIn(4 * second);
    expect(await status(home, { watch: true }, io)).toBe(0);
    const news = io.lines.filter((text) => /^\d\d:\d\d:\d\d {2}/.test(text));
    expect(io.lines.filter((text) => text.startsWith("default/gateway"))).toHaveLength(1);
    expect(news.map((text) => text.slice(10, 21).trim())).toEqual([
      "active",
      "verify-only",
      "prepared",
      "published",
      "quiesced",
      "waiting",
    ]);
    expect(news[0]).toMatch(/^06:00:00 {2}active {7}key \S+ signs now$/);
  });

  test("writes a document for each change for programs", async () => {
    const home = StoryHome.settled({ schedule: { kind: "interval", everyMs: 6 * hour } });
    home.run(6 * hour - 2 * second);
    const io = new FakeIo({ home }).interruptIn(4 * second);
    await status(home, { watch: true, output: "yaml" }, io);
    const documents = io.out.text.split("---\n").map((text) => (parse(text) as StatusDocument).status.activeKid);
    expect(documents).toEqual([kidOf("k1"), kidOf("k2")]);
  });

  test("redraws on a terminal, on a screen of its own, and leaves the last picture behind", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home, look: terminal, live: true }).interruptIn(3 * second);
    await status(home, { watch: true }, io);
    const { text } = io.out;
    expect(text.startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l")).toBe(true);
    expect(text.split("\u001b[H").length - 1).toBeGreaterThan(1);
    const [, after = ""] = text.split("\u001b[?7h\u001b[?25h\u001b[?1049l");
    expect(plain(after)).toMatch(/^default\/gateway /);
    expect(after).not.toContain("\u001b[H");
  });

  test("draws no more lines than the terminal has", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home, look: terminal, live: true }).interruptIn(second);
    io.out.rows = 10;
    await status(home, { watch: true }, io);
    const [, frame = ""] = io.out.text.split("\u001b[H");
    expect(frame.split("\r\n")).toHaveLength(10);
  });

  test("leaves the screen in order when looking fails", async () => {
    const home = StoryHome.settled();
    const io = new FakeIo({ home, look: terminal, live: true });
    home.failures.push(new Error("broken"));
    await expect(status(home, { watch: true }, io)).rejects.toThrow("broken");
    expect(io.out.text.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l")).toBe(true);
  });

  test("goes on when it can't look for a moment", async () => {
    const home = StoryHome.settled();
    home.failures.push(new TryLaterError("Conflict", "later"));
    const io = new FakeIo({ home }).interruptIn(3 * second);
    expect(await status(home, { watch: true }, io)).toBe(0);
    expect(io.lines[0]).toBe("default/gateway  directory /var/lib/keyturn");
  });
});

test("the age of a status is that of the look, not of the process", async () => {
  const home = StoryHome.settled().run(29 * minute);
  expect(home.nowMs).toBe(epoch + 29 * minute);
  expect((await shown(home)).join("\n")).toContain("(29m ago)");
});
