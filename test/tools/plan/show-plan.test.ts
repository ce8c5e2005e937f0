import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { RuleError } from "../../../src/errors/keyturn-error.ts";
import { plan, type PlanOptions } from "../../../src/tools/plan/show-plan.ts";
import type { PlanDocument } from "../../../src/tools/plan/plan-report.ts";
import { day, epoch, hour, minute, policy } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

async function planned(home: StoryHome, options: PlanOptions = {}): Promise<readonly string[]> {
  const io = new FakeIo({ home });
  expect(await plan(home, options, io)).toBe(0);
  return io.lines;
}

async function documentOf(home: StoryHome, options: PlanOptions = {}): Promise<PlanDocument> {
  const io = new FakeIo({ home });
  await plan(home, { ...options, output: "json" }, io);
  return JSON.parse(io.out.text) as PlanDocument;
}

const settled = (): StoryHome => StoryHome.settled({}, ["gw-1"]).run(10 * minute);

describe("plan", () => {
  test("tells what waits for what, and what will come", async () => {
    const home = settled();
    home.story.requests = ["override:1"];
    const lines = await planned(home);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("pictures/plan.txt");
  });

  test("tells what is due, and nothing of what waits, before the first pass", async () => {
    const lines = await planned(new StoryHome());
    expect(lines.slice(0, 5)).toEqual([
      "default/gateway  at 00:00:00",
      "",
      "Due now",
      " a new key (ES256) starts the ring as its signer",
      " a new key (ES256) is prepared",
    ]);
  });

  test("ends with the rotation that is next: what comes after is the same again", async () => {
    const text = (await planned(settled())).join("\n");
    expect(text.match(/becomes the signer/g)).toHaveLength(1);
    expect(text.trimEnd()).toMatch(/is pruned: its last token has ended$/);
  });

  test("tells which gateway holds it up", async () => {
    const home = settled();
    home.story.requests = ["override:1"];
    home.story.gateways = [...home.story.gateways, { name: "gw-2", ready: true }];
    home.run(0);
    expect((await planned(home)).some((text) => /^ activate +\S+ .*gw-2 has not acknowledged/.test(text))).toBe(true);
  });

  test("tells why nothing happens while it is stalled", async () => {
    const home = settled();
    home.found = { public: { kind: "foreign", problem: "it has no label of ours" } };
    const lines = await planned(home);
    expect(lines[2]).toMatch(/^ Only revocation runs before a person acts: the public object is not Keyturn's/);
    expect(await documentOf(home)).toMatchObject({ stalled: { reason: "SecretConflict" }, forecast: [] });
    home.found = { ring: { kind: "foreign", problem: "it has no label of ours" } };
    expect((await planned(home))[2]).toMatch(
      /^ Nothing happens before a person acts: the ring object is not Keyturn's/,
    );
    expect(await documentOf(home)).toMatchObject({ stalled: { reason: "SecretConflict" }, plan: [], forecast: [] });
  });

  test("has a document with the plan and the forecast", async () => {
    const home = settled();
    const document = await documentOf(home);
    expect(document).toMatchObject({
      rotation: { name: "gateway", namespace: "default" },
      time: "2026-11-21T00:10:00.000Z",
      suppositions: [],
      plan: [{ step: "activate", kid: kidOf("k2"), notBefore: "2026-12-21T00:00:00.000Z" }],
    });
    expect(document.forecast[0]).toEqual({
      time: "2026-12-21T00:00:00.000Z",
      activeKid: kidOf("k2"),
      steps: [
        {
          step: "activate",
          kid: kidOf("k2"),
          message: expect.stringContaining("becomes the signer") as string,
        },
        { step: "create", kid: "(new 1)", message: "key (new 1) (ES256) is prepared" },
      ],
    });
    const io = new FakeIo({ home });
    await plan(home, { output: "yaml" }, io);
    expect(parse(io.out.text)).toEqual(document);
  });
});

describe("plan --at", () => {
  test("plans as if everything had gone by the forecast until then", async () => {
    const document = await documentOf(settled(), { atMs: epoch + 30 * day + hour });
    expect(document.time).toBe("2026-12-21T01:00:00.000Z");
    expect(document.suppositions).toHaveLength(1);
    expect(document.plan.map(({ step, kid }) => `${step} ${kid ?? ""}`)).toEqual([
      `forget ${kidOf("k1")}`,
      `prune ${kidOf("k1")}`,
      "activate (new 1)",
    ]);
  });

  test("plans at this very moment as without it", async () => {
    const home = settled();
    const at = await documentOf(home, { atMs: home.nowMs });
    expect({ ...at, suppositions: [] }).toEqual(await documentOf(home));
  });

  test("refuses the past, of which the ring knows nothing", async () => {
    const home = settled();
    await expect(plan(home, { atMs: home.nowMs - 1 }, new FakeIo({ home }))).rejects.toThrow(
      new RuleError(
        "InThePast",
        'Cannot plan at "2026-11-21T00:09:59.999Z": must not be in the past, the ring keeps no history',
      ),
    );
  });

  test("plans before the first pass as well", async () => {
    const document = await documentOf(new StoryHome(), { atMs: epoch + hour });
    expect(document.plan).toMatchObject([{ step: "activate", kid: "(new 2)" }]);
  });
});

describe("plan --spec", () => {
  const whatIf = (change: Partial<typeof policy>, requests: readonly string[] = []) => ({
    whatIf: { name: "edited.yaml", policy: { ...policy, ...change }, requests },
  });

  test("says what an edit would do now", async () => {
    const home = settled();
    const lines = await planned(home, whatIf({ rotationWindowMs: 5 * hour, rollbackWindowMs: 5 * hour }));
    expect(lines[0]).toBe("default/gateway  at 00:10:00, with edited.yaml");
    expect(lines[3]).toBe(" settings change: tokens live 1h at most, rotation window 5h");
  });

  test("says what a spec would do that replaces one which can't be used, and warns of that one", async () => {
    const home = settled();
    home.refused = { reason: "InvalidSpec", message: "spec.rotation: why", holds: true };
    const io = new FakeIo({ home });
    await plan(home, whatIf({ rotationWindowMs: 5 * hour, rollbackWindowMs: 5 * hour }), io);
    expect(io.lines[3]).toBe(" settings change: tokens live 1h at most, rotation window 5h");
    expect(io.err.text).toContain("warning: what is written down is not in force: spec.rotation: why");
    const held = await planned(home);
    expect(held.some((text) => text.endsWith("what is wrong must be mended first"))).toBe(true);
  });

  test("says that another algorithm is a rotation", async () => {
    const { forecast } = await documentOf(settled(), whatIf({ profile: { ...policy.profile, algorithm: "EdDSA" } }));
    const messages = forecast.flatMap((f) => f.steps.map((s) => s.message));
    expect(messages).toContainEqual(expect.stringMatching(/^key \S+ is discarded before it signed/));
    expect(messages).toContain("key (new 1) becomes the signer, because of a changed profile");
  });

  test("counts the requests that stand in it, and those that came by other ways", async () => {
    const home = settled();
    const { plan: waiting } = await documentOf(home, whatIf({}, ["spec:now"]));
    expect(waiting[0]).toMatchObject({ step: "activate", notBefore: "2026-11-21T00:30:00.000Z" });
    home.story.requests = ["override:1"];
    expect((await documentOf(home, whatIf({}))).plan[0]).toMatchObject({ notBefore: "2026-11-21T00:30:00.000Z" });
  });

  test("changes nothing", async () => {
    const home = settled();
    const before = home.ring();
    await planned(home, { ...whatIf({ suspend: true }), atMs: home.nowMs + day });
    expect(home.ring()).toEqual(before);
    expect(home.asked).toEqual([]);
  });
});
