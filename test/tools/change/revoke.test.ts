import { describe, expect, test } from "vitest";
import { revoke, revokeCreatedBefore, type RevokeOptions } from "../../../src/tools/change/revoke.ts";
import { epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { kidOf, StoryHome } from "../support/story-home.ts";

const short = (name: string): string => `${kidOf(name).slice(0, 8)}..`;
const rotated = (): StoryHome =>
  StoryHome.settled({ schedule: { kind: "interval", everyMs: 6 * hour } }, ["gw-1"]).run(7 * hour);

async function run(home: StoryHome, options: Partial<RevokeOptions> = {}) {
  const io = new FakeIo({ home });
  const kid = kidOf("k1");
  const code = await revoke(home, { kid, reason: "stolen", unknown: false, wait: false, ...options }, io);
  return { code, io };
}

describe("revoke", () => {
  test("asks, with the reason", async () => {
    const home = rotated();
    const { code, io } = await run(home);
    expect(code).toBe(0);
    expect(home.asked).toEqual([{ kind: "revoke", kid: kidOf("k1"), reason: "stolen" }]);
    expect(io.lines[0]).toBe(`Revocation of key ${short("k1")} requested`);
  });

  test("says that another key takes over when it is the signer", async () => {
    const { io } = await run(rotated(), { kid: kidOf("k2") });
    expect(io.lines[0]).toBe(
      `Revocation of key ${short("k2")} requested; it is the signer: another key takes over in the same write`,
    );
  });

  test("stays until every gateway refuses the key", async () => {
    const home = rotated();
    const { code, io } = await run(home, { kid: kidOf("k2"), wait: true });
    expect(code).toBe(0);
    expect(io.lines.at(-1)).toBe(`Revoked: ${short("k2")}; key ${short("k3")} signs`);
    expect(io.progress.map((text) => text.slice(10, 21).trim())).toEqual(
      expect.arrayContaining(["revoked", "active", "prepared"]),
    );
  });

  test("is not done while a gateway still accepts the key", async () => {
    const home = rotated();
    const io = new FakeIo({ home });
    home.run = (ms) => {
      home.story.nowMs += ms;
      home.story.pass();
      return home;
    };
    const options = { kid: kidOf("k1"), reason: "stolen", unknown: false, wait: true, deadline: io.deadlineIn(minute) };
    expect(await revoke(home, options, io)).toBe(4);
    expect(home.ring().revoked).toHaveLength(1);
    const unmet = `a revocation is not carried out: key ${short("k1")} is still in gateway gw-1`;
    expect(io.progress.at(-1)).toContain(unmet);
  });

  test("takes a kid as it is printed", async () => {
    const home = rotated();
    await run(home, { kid: short("k3") });
    expect(home.asked).toMatchObject([{ kid: kidOf("k3") }]);
  });

  test("does nothing for a key that is revoked already", async () => {
    const home = rotated();
    home.story.policy = { ...home.story.policy, revokedKids: [{ kid: "k1" }] };
    home.story.settle();
    const { code, io } = await run(home);
    expect(code).toBe(0);
    expect(home.asked).toEqual([]);
    expect(io.lines).toEqual([`Key ${short("k1")} is revoked already`]);
  });

  test("refuses an unknown kid, and names the keys of the ring", async () => {
    const home = rotated();
    await expect(run(home, { kid: "stranger-kid" })).rejects.toMatchObject({
      name: "RuleError",
      code: "UnknownKid",
      message: `Cannot revoke "stranger-kid": is no key of the ring; default/gateway has ${kidOf("k2")}, ${kidOf("k3")} and ${kidOf("k1")}`,
    });
  });

  test("remembers no unknown kid of which a part is missing", async () => {
    const home = rotated();
    await expect(run(home, { kid: "stranger…", unknown: true })).rejects.toMatchObject({
      code: "UnknownKid",
      message: expect.stringContaining("must be the whole kid") as string,
    });
    expect(home.asked).toEqual([]);
  });

  test("has an unknown kid remembered when it is told to", async () => {
    const home = rotated();
    const { code, io } = await run(home, { kid: "stranger-kid", unknown: true, wait: true });
    expect(code).toBe(0);
    expect(home.ring().revoked.map((r) => r.kid)).toEqual(["stranger-kid"]);
    expect(io.progress.join("\n")).toContain("is revoked, should it ever turn up");
  });

  test("refuses while the rotation is stalled", async () => {
    const home = rotated();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    await expect(run(home)).rejects.toMatchObject({ code: "Stalled" });
  });
});

describe("revoke --created-before", () => {
  async function before(home: StoryHome, atMs: number | "now", wait = false) {
    const io = new FakeIo({ home });
    return { code: await revokeCreatedBefore(home, { atMs, wait }, io), io };
  }

  test("has every key refused that is older, and a fresh one sign", async () => {
    const home = rotated();
    const { code, io } = await before(home, home.nowMs, true);
    expect(code).toBe(0);
    expect(io.lines[0]).toBe("Revocation of 3 keys made before 2026-11-21T07:00:00.000Z requested");
    expect(home.ring().signer.kid).toBe(kidOf("k4"));
  });

  test("leaves the keys that were made then or later", async () => {
    const home = rotated();
    const { io } = await before(home, epoch + 6 * hour, true);
    expect(io.lines[0]).toBe("Revocation of 2 keys made before 2026-11-21T06:00:00.000Z requested");
    expect(home.ring().signer.kid).toBe(kidOf("k3"));
  });

  test.each([
    ["now", "now"],
    ["what a clock that is half a minute ahead calls now", 30 * second],
  ] as const)("takes %s for the home's own now", async (_, ahead) => {
    const home = rotated();
    const { nowMs } = home;
    await before(home, ahead === "now" ? ahead : nowMs + ahead);
    expect(home.asked).toEqual([{ kind: "revokeCreatedBefore", atMs: nowMs }]);
  });

  test.each([
    ["now", "now"],
    ["the second that a watch shows", second],
  ] as const)(
    "of %s is every key, also one that was made by a clock that is ahead of what is known of it",
    async (_, ahead) => {
      const home = rotated();
      const { createdAtMs } = home.ring().standby ?? home.ring().signer;
      home.story.nowMs = createdAtMs - 900;
      const { io } = await before(home, ahead === "now" ? ahead : home.nowMs + ahead);
      expect(home.asked).toEqual([{ kind: "revokeCreatedBefore", atMs: createdAtMs + 1 }]);
      expect(io.lines[0]).toContain("Revocation of 3 keys");
    },
  );

  test.each([30 * second + 1, hour, 73 * 365 * 24 * hour])("refuses an instant in the future: %i ms", async (ahead) => {
    const home = rotated();
    await expect(before(home, home.nowMs + ahead)).rejects.toMatchObject({
      name: "RuleError",
      code: "InTheFuture",
      message: expect.stringMatching(
        /^Cannot revoke keys made before "\d{4}-.*Z": must not be in the future, it is 2026-11-21T07:00:00.000Z; "now" revokes every key$/,
      ) as string,
    });
    expect(home.asked).toEqual([]);
  });

  test("does nothing when no key is older", async () => {
    const home = rotated();
    const { code, io } = await before(home, epoch - second);
    expect(code).toBe(0);
    expect(home.asked).toEqual([]);
    expect(io.lines).toEqual(["No key of default/gateway was made before 2026-11-20T23:59:59.000Z"]);
  });
});
