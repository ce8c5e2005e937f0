import { describe, expect, test } from "vitest";
import type { Decision } from "../../../src/ring/decide.ts";
import type { SetAside } from "../../../src/keeper/store.ts";
import type { RingHome } from "../../../src/keeper/home.ts";
import { recover } from "../../../src/tools/change/recover.ts";
import { pairOf } from "../../support/keys.ts";
import { hour } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { StoryHome } from "../support/story-home.ts";

const setOf = (count: number): string =>
  JSON.stringify({
    keys: Array.from({ length: count }, (_, nth) => ({
      ...pairOf("ES256", 20 + nth).material.publicJwk,
      kid: `k${nth}`,
    })),
  });

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
    await recover(home, { wait: false, jwks: setOf(1) }, io);
    expect(home.asked).toEqual([{ kind: "recover", requestedAtMs: home.nowMs, jwks: setOf(1) }]);
  });

  test("asks anew for one that nobody has carried out yet, with keys of one's own this time", async () => {
    const home = settled();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" }, recovery: { alsoVerify: [] } };
    const io = new FakeIo({ home });
    expect(await recover(home, { wait: false, jwks: setOf(1) }, io)).toBe(0);
    expect(home.asked).toEqual([{ kind: "recover", requestedAtMs: home.nowMs, jwks: setOf(1) }]);
  });

  test("a dry run reads the same keys, and says that they will verify", async () => {
    const home = settled();
    home.found = { claims: [{ by: "gw-1", generation: home.ring().generation + 1 }] };
    const io = new FakeIo({ home });
    await recover(home, { wait: false, dryRun: true, jwks: setOf(2) }, io);
    expect(io.lines.join("\n")).toContain(
      "the ring is rebuilt from what is left of it, as requested, 2 more keys verify",
    );
    expect(home.asked).toEqual([]);
  });

  const kept: readonly SetAside[] = [
    { object: "ring", from: "the ring object", to: "/var/lib/keyturn/set-aside/9/ring" },
    { object: "signer", from: "the signer object", to: "/var/lib/keyturn/set-aside/9/signer" },
  ];
  const notes = kept.map(({ from, to }) => `keyturn: note: ${from} holds what is not taken over: it is kept in ${to}`);

  test.each([true, false])("says first what is set aside, and where, dry run: %s", async (dryRun) => {
    const home = settled();
    home.found = { ring: { kind: "unreadable", problem: "no JSON" } };
    const asked: Decision[] = [];
    const homeWithRest: RingHome = Object.assign(home, {
      setsAside: async (decision: Decision) => {
        asked.push(decision);
        return kept;
      },
    });
    const io = new FakeIo({ home });
    expect(await recover(homeWithRest, { wait: !dryRun, dryRun }, io)).toBe(0);
    // Of what comes of it, not of what is
    expect(asked).toEqual([expect.objectContaining({ kind: "plan" })]);
    expect(io.err.text.split("\n")).toEqual(expect.arrayContaining(notes));
    if (dryRun) return;
    expect(io.lines.at(-1)).toMatch(
      /goes on with generation \d+; what was not taken over is kept in \S+\/9\/ring and \S+\/9\/signer$/,
    );
  });

  test.each([true, false])("refuses what the real one would be refused for, dry run: %s", async (dryRun) => {
    const home = settled();
    home.found = { claims: [{ by: "gw-1", generation: home.ring().generation + 1 }] };
    const io = new FakeIo({ home });
    const many = recover(home, { wait: false, dryRun, jwks: setOf(14) }, io);
    await expect(many).rejects.toMatchObject({ code: "RecoveryRefused" });
    const broken = recover(home, { wait: false, dryRun, jwks: '{"keys":[]}' }, io);
    await expect(broken).rejects.toMatchObject({ code: "InvalidJwks" });
    expect(home.asked).toEqual([]);
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
