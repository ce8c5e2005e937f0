import { describe, expect, test } from "vitest";
import type { Delivery } from "../../e2e/workload/counts.ts";
import { type Held, Tally } from "../../e2e/workload/tally.ts";

const farMs = Date.now() + 3_600_000;

function scene(more: Partial<Delivery> = {}): { tally: Tally; held: Held } {
  const tally = new Tally();
  tally.replicas = ["one", "two"];
  tally.take({ pod: "one", kid: "k1", token: "t1", endsAtMs: farMs, ...more });
  const [held] = tally.held(0);
  if (held === undefined) throw new Error("the token must be held");
  return { tally, held };
}

const wrongs = (tally: Tally): readonly string[] => tally.counts().wrong.map(({ what, pod }) => `${what} by ${pod}`);

describe("a valid token", () => {
  test("that is accepted counts for the replica", () => {
    const { tally, held } = scene();
    tally.accepted("two", held, "valid");
    expect(tally.counts()).toMatchObject({ tokens: 1, verificationsByPod: { two: 1 }, wrongs: 0 });
  });

  test("that is refused is wrong", () => {
    const { tally, held } = scene();
    tally.refused("two", held, "401");
    expect(wrongs(tally)).toEqual(["valid refused by two"]);
    expect(tally.counts()).toMatchObject({ refused: 1, wrongs: 1 });
  });

  test("whose refusal comes after its end is none any more", () => {
    const { tally, held } = scene({ endsAtMs: 1 });
    tally.refused("two", held, "401");
    expect(wrongs(tally)).toEqual([]);
  });

  test("that nobody answers about is unreachable, not refused", () => {
    const { tally, held } = scene();
    tally.unreachable("two", held);
    expect(tally.counts()).toMatchObject({ unreachable: { two: 1 }, wrongs: 0 });
  });

  test("is held until its end", () => {
    const { tally } = scene({ endsAtMs: 10 });
    expect([tally.held(9).length, tally.held(10).length]).toEqual([1, 0]);
  });
});

describe("a token whose key is being revoked", () => {
  test("may be accepted and refused", () => {
    const { tally, held } = scene();
    tally.revoke({ kid: "k1", state: "revoking" });
    tally.accepted("one", held, "revoking");
    tally.refused("two", held, "401");
    expect(tally.counts()).toMatchObject({ verifications: 0, revokedRefusals: 0, wrongs: 0 });
  });
});

describe("a token of a revoked key", () => {
  test("that is accepted is wrong", () => {
    const { tally, held } = scene();
    tally.revoke({ kid: "k1", state: "revoked" });
    tally.accepted("two", held, "revoked");
    expect(wrongs(tally)).toEqual(["revoked accepted by two"]);
  });

  test("that was accepted by an answer to an earlier question is not", () => {
    const { tally, held } = scene();
    tally.revoke({ kid: "k1", state: "revoked" });
    tally.accepted("two", held, "revoking");
    expect(wrongs(tally)).toEqual([]);
  });

  test("counts as refused everywhere once every replica has refused it", () => {
    const { tally, held } = scene();
    tally.revoke({ kid: "k1", state: "revoked" });
    tally.refused("one", held, "401");
    expect(tally.counts()).toMatchObject({ revokedTokens: 1, revokedRefusedEverywhere: 0 });
    tally.refused("two", held, "401");
    expect(tally.counts()).toMatchObject({ revokedRefusedEverywhere: 1, revokedRefusals: 2, wrongs: 0 });
  });
});

describe("an application that calls", () => {
  test("is known by the newest report of each way", () => {
    const { tally } = scene();
    const report = { way: "proxy", calls: 1, unanswered: 0, kids: [], refused: [] };
    tally.called(report);
    tally.called({ ...report, way: "file" });
    tally.called({ ...report, calls: 2, refused: ["401 "] });
    expect(tally.counts().callers).toEqual([
      { ...report, calls: 2, refused: ["401 "] },
      { ...report, way: "file" },
    ]);
  });
});

describe("a token that no key of the ring signed", () => {
  test("that is accepted is wrong", () => {
    const { tally, held } = scene();
    tally.foreign("one", held, 401);
    tally.foreign("two", held, 200);
    expect(wrongs(tally)).toEqual(["foreign accepted by two"]);
    expect(tally.counts().foreignRefusals).toBe(1);
  });
});
