import { describe, expect, test } from "vitest";
import { rollback, type RollbackOptions } from "../../../src/tools/change/rollback.ts";
import { hour } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;
const everySixHours = { schedule: { kind: "interval", everyMs: 6 * hour } } as const;

/** k2 signs since an hour, k1 can still sign again, k3 stands by. */
const rotated = (): StoryHome => StoryHome.settled(everySixHours).run(7 * hour);

async function run(home: StoryHome, options: Partial<RollbackOptions> = {}) {
  const io = new FakeIo({ home });
  const code = await rollback(home, { wait: false, unpin: false, ...options }, io);
  return { code, io };
}

const refusal = async (home: StoryHome, options: Partial<RollbackOptions> = {}): Promise<unknown> =>
  run(home, options).then(
    () => "no refusal",
    (error: unknown) => error,
  );

describe("rollback", () => {
  test("pins the previous signer", async () => {
    const home = rotated();
    const { code, io } = await run(home);
    expect(code).toBe(0);
    expect(home.asked).toEqual([{ kind: "pin", kid: kidOf("k1") }]);
    expect(io.lines[0]).toBe(
      `Key ${short("k1")} is pinned; no scheduled rotation happens until "keyturn rollback --unpin"`,
    );
  });

  test("stays until it signs", async () => {
    const home = rotated();
    const { code, io } = await run(home, { wait: true });
    expect(code).toBe(0);
    expect(home.ring().signer.kid).toBe(kidOf("k1"));
    expect(io.lines.at(-1)).toBe(`Rolled back: key ${short("k1")} signs`);
  });

  test("takes another key by a prefix of its kid, the standby included", async () => {
    const home = rotated();
    await run(home, { to: kidOf("k3").slice(0, 8) });
    expect(home.asked).toEqual([{ kind: "pin", kid: kidOf("k3") }]);
  });

  test("holds the present signer when it is named", async () => {
    const home = rotated();
    const { io } = await run(home, { to: kidOf("k2") });
    expect(home.asked).toEqual([{ kind: "pin", kid: kidOf("k2") }]);
    expect(io.lines[1]).toBe(`Rolled back: key ${short("k2")} signs`);
  });

  test("asks for nothing when that key is pinned already and signs", async () => {
    const home = rotated();
    home.story.policy = { ...home.story.policy, pinnedKid: "k2" };
    const { code, io } = await run(home, { to: kidOf("k2") });
    expect(code).toBe(0);
    expect(home.asked).toEqual([]);
    expect(io.lines).toEqual([`Key ${short("k2")} is pinned already, and signs`]);
  });

  const possible = `possible: ${kidOf("k3")} (prepared), ${kidOf("k1")} (verify-only)`;

  test.each([
    [
      "a kid that is not in the ring",
      "stranger-kid",
      `Cannot roll back to "stranger-kid": is no key of the ring; ${possible}`,
    ],
    ["what names none", "…", "is no key of the ring"],
  ])("refuses %s, and says which keys are possible", async (_, to, message) => {
    expect(await refusal(rotated(), { to })).toMatchObject({
      name: "RuleError",
      code: "NoWayBack",
      message: expect.stringContaining(message) as string,
    });
  });

  test("refuses a key whose private half is gone", async () => {
    const home = StoryHome.settled({ ...everySixHours, rollbackWindowMs: 0 }).run(7 * hour);
    const message = `Cannot roll back to key ${kidOf("k1").slice(0, 8)}…: can sign no more, its private half is gone; possible: ${kidOf("k3")} (prepared)`;
    expect(await refusal(home)).toMatchObject({ code: "NoWayBack", message });
    expect(await refusal(home, { to: kidOf("k1") })).toMatchObject({ code: "NoWayBack", message });
    expect(home.asked).toEqual([]);
  });

  test("refuses a revoked key", async () => {
    const home = rotated();
    home.story.policy = { ...home.story.policy, revokedKids: [{ kid: "k1" }] };
    home.story.settle();
    expect(await refusal(home, { to: kidOf("k1") })).toMatchObject({
      message: expect.stringContaining("is revoked; possible: ") as string,
    });
  });

  test("refuses when no key signed before", async () => {
    expect(await refusal(StoryHome.settled())).toMatchObject({
      message: `Cannot roll back to the previous signer: there is none in the ring; possible: ${kidOf("k2")} (prepared)`,
    });
  });

  test("refuses while there is no ring", async () => {
    expect(await refusal(new StoryHome())).toMatchObject({ code: "NoRing" });
  });

  test("refuses while the rotation is stalled", async () => {
    const home = rotated();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    expect(await refusal(home)).toMatchObject({ code: "Stalled" });
  });
});

describe("rollback --unpin", () => {
  test("ends the pin", async () => {
    const home = rotated();
    home.story.policy = { ...home.story.policy, pinnedKid: "k1" };
    home.story.settle();
    const { code, io } = await run(home, { unpin: true });
    expect(code).toBe(0);
    expect(home.asked).toEqual([{ kind: "pin", kid: undefined }]);
    expect(io.lines).toEqual([`default/gateway is unpinned; key ${short("k1")} signs until the next rotation`]);
  });

  test("does nothing when nothing is pinned", async () => {
    const home = rotated();
    const { code, io } = await run(home, { unpin: true });
    expect(code).toBe(0);
    expect(home.asked).toEqual([]);
    expect(io.lines).toEqual(["default/gateway is not pinned"]);
  });
});
