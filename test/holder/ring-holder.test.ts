import { describe, expect, test } from "vitest";
import { ApiError, ConnectionError } from "../../src/kube/kube-errors.ts";
import { isReady, problemsOf } from "../../src/holder/state-view.ts";
import { hour, minute } from "../support/story.ts";
import { turn } from "../support/fake-clock.ts";
import { kid, opened } from "../gateway/support/rings.ts";
import { ring, World } from "../gateway/support/world.ts";

const away = new ConnectionError("Unreachable", "Cannot get secrets: nobody answers", false);
const denied = new ApiError(
  { action: "create keyringacks", status: 403, reason: "Forbidden", causes: [] },
  "Cannot create keyringacks: forbidden",
);

const serving = async (world = new World()): Promise<World> => {
  world.shows = ring({ generation: 5 });
  await world.start();
  await world.sees(isReady);
  return world;
};

describe("a start", () => {
  test("keeps the floor before it acknowledges, and reads twice", async () => {
    const world = await serving();
    expect(world.deeds.slice(0, 5)).toEqual(["acks 0", "reads", "keeps 5", "acks 5", "reads"]);
  });

  test("does not acknowledge what it could not keep", async () => {
    const world = new World();
    world.floorFault = new Error("Cannot write: no space");
    world.shows = ring({ generation: 5 });
    await world.start();
    await world.sees(({ problems }) => problems.ack !== undefined);
    expect(world.deeds).toEqual(["acks 0", "reads"]);
    world.floorFault = undefined;
    await world.clock.armed(1, 5000);
    await world.clock.advance(5000);
    await world.sees(isReady);
    expect(world.deeds.slice(2, 5)).toEqual(["keeps 5", "acks 5", "reads"]);
  });

  test("tries again with back-off while the source of truth is away, and is degraded after 30 s", async () => {
    const world = new World();
    world.ackFault = away;
    world.shows = away;
    await world.start();
    world.mounts(ring({ generation: 4 }));
    await world.sees(({ problems }) => problems.ack !== undefined);
    expect(isReady(world.state)).toBe(false);
    await world.clock.advance(29_000);
    expect(isReady(world.state)).toBe(false);
    await world.clock.advance(1_000);
    await world.sees(isReady);
    expect(world.state.degraded).toBe(true);
    expect(world.generation).toBe(4);
  });

  test("keeps what generation 0 promised when the answer got lost: it waits for its source of truth", async () => {
    const world = new World();
    world.ackFault = new ConnectionError("TimedOut", "Cannot create keyringacks: no answer", true);
    world.shows = away;
    await world.start();
    world.mounts(ring({ generation: 4 }));
    await world.sees(({ promised }) => promised);
    world.ackFault = away;
    await world.clock.advance(60_000);
    expect(isReady(world.state)).toBe(false);
  });

  test("comes back from degraded by itself, with an ack of the newest ring", async () => {
    const world = new World();
    world.ackFault = away;
    world.shows = away;
    await world.start();
    world.mounts(ring({ generation: 4 }));
    await world.clock.advance(31_000);
    await world.sees(({ degraded }) => degraded);
    world.ackFault = undefined;
    world.shows = ring({ generation: 6 });
    await world.clock.armed(1, 5000);
    await world.clock.advance(5000);
    await world.sees(({ degraded }) => !degraded);
    expect(world.ack).toMatchObject({ generation: 6 });
    expect(world.deeds).not.toContain("acks 0");
  });

  test("waits for ever when the API server says no", async () => {
    const world = new World();
    world.ackFault = denied;
    world.shows = ring({ generation: 5 });
    await world.start();
    world.mounts(ring({ generation: 5 }));
    await world.sees(({ problems }) => problems.ack !== undefined);
    await world.clock.advance(120_000);
    expect(isReady(world.state)).toBe(false);
    expect(problemsOf(world.state)).toEqual(["ack: Cannot create keyringacks: forbidden"]);
  });

  test("asks with back-off, not in a hurry, however often it fails", async () => {
    const world = new World();
    world.shows = away;
    await world.start();
    await world.clock.advance(60_000);
    const reads = world.deeds.filter((deed) => deed === "reads in vain").length;
    // 250, 500, 1000, 2000, 4000, then 5000 ms each
    expect(reads).toBeGreaterThan(10);
    expect(reads).toBeLessThanOrEqual(17);
  });
});

describe("a gateway that serves", () => {
  test("acknowledges a newer ring, the floor first", async () => {
    const world = await serving();
    world.deeds.length = 0;
    world.mounts(ring({ generation: 6 }));
    await world.sees(({ acked }) => acked?.generation === 6);
    expect(world.deeds.slice(0, 2)).toEqual(["keeps 6", "acks 6"]);
  });

  test.each([
    [
      "the watch of acks tells",
      (world: World) => {
        world.tellsOfAck();
        return world.clock.advance(0);
      },
    ],
    [
      "the watch shows an older ring",
      (world: World) => {
        world.watches(ring({ generation: 4 }));
        return world.clock.advance(0);
      },
    ],
    [
      "the watch shows no ring",
      (world: World) => {
        world.watches({ kind: "missing", problem: "gone" });
        return world.clock.advance(0);
      },
    ],
    [
      "the source shows an older ring",
      (world: World) => {
        world.shows = ring({ generation: 4 });
        return world.clock.advance(20_000);
      },
    ],
  ])("writes its ack again at once, removed or changed, when %s", async (_, happens) => {
    for (const stands of [undefined, { generation: 4, verifies: [] }]) {
      const world = await serving();
      world.ack = stands;
      const atMs = world.clock.nowMs();
      await happens(world);
      await world.acknowledged(5);
      expect(world.clock.nowMs() - atMs).toBeLessThanOrEqual(20_000);
    }
  });

  test("looks at its ack once for each older ring that it is shown, and not for its mount", async () => {
    const world = await serving();
    world.checks = 0;
    world.mounts(ring({ generation: 3 }));
    await turn();
    expect(world.checks).toBe(0);
    for (const generation of [4, 4, 3]) {
      world.watches(ring({ generation }));
      await turn();
    }
    expect(world.checks).toBe(2);
  });

  test("confirms its signer while its ack can't be written", async () => {
    const world = await serving();
    world.ackFault = new Error("no acks today");
    world.mounts(ring({ generation: 6 }));
    await world.sees(({ problems }) => problems.ack !== undefined);
    const before = world.state.confirmed?.askedAtMs ?? 0;
    await world.clock.advance(60_000);
    expect(world.state.confirmed?.askedAtMs).toBeGreaterThan(before + 30_000);
  });

  test("writes its ack again when somebody removed or changed it", async () => {
    const world = await serving();
    world.ack = undefined;
    await world.clock.advance(60_000);
    await world.sees(({ acked }) => acked !== undefined);
    expect(world.ack).toMatchObject({ generation: 5 });
    world.ack = { generation: 99, verifies: [] };
    await world.clock.advance(60_000);
    await turn();
    expect(world.ack).toMatchObject({ generation: 5, signs: kid(0) });
  });

  test("keeps what it learns of revocations, though its ack stays the same", async () => {
    const world = await serving();
    world.mounts(ring({ generation: 3, signer: 2, standby: 3, revoked: [1] }));
    world.mounts(ring({ generation: 4, signer: 2, standby: 3, revoked: [] }));
    await world.sees(({ acked }) => acked?.verifies.length === 1);
    await world.clock.advance(0);
    expect(world.floor).toMatchObject({ refused: new Set([kid(1)]) });
  });

  test("verifies nothing with a key that has left, from the same turn on", async () => {
    const world = await serving();
    const before = world.gateway.memory.verifier;
    world.mounts(ring({ generation: 6, signer: 1, standby: 2 }));
    const { verifier: after, state } = world.gateway.memory;
    expect([before?.keys.has(kid(0)), after?.keys.has(kid(0))]).toEqual([true, false]);
    expect(state.current?.ring.generation).toBe(6);
  });

  test("verifies nothing with a key that an older ring calls revoked, from the same turn on", async () => {
    const world = await serving();
    world.mounts(ring({ generation: 3, signer: 2, standby: 3, revoked: [1] }));
    const { verifier, state } = world.gateway.memory;
    expect([verifier?.keys.has(kid(0)), verifier?.keys.has(kid(1))]).toEqual([true, false]);
    expect(state.current?.ring.generation).toBe(5);
  });

  test("takes no older finding for what became of an ack that was written meanwhile", async () => {
    const world = await serving();
    const found = Promise.withResolvers<undefined>();
    world.acks.check = async () => found.promise;
    await world.clock.advance(60_000);
    world.mounts(ring({ generation: 6 }));
    await world.sees(({ acked }) => acked?.generation === 6);
    world.deeds.length = 0;
    found.resolve(undefined);
    await turn();
    expect(world.state.acked).toMatchObject({ generation: 6 });
    expect(world.deeds).not.toContain("acks 6");
  });

  test("does not ask in a hurry when its source went back to an older signer", async () => {
    const world = await serving();
    world.mounts(ring({ generation: 6, signer: 1, standby: 2 }));
    await world.sees(({ acked }) => acked?.generation === 6);
    const { shows } = world;
    let reads = 0;
    world.truth.read = async () => {
      reads += 1;
      await turn();
      return shows instanceof Error ? Promise.reject(shows) : shows;
    };
    // No time passes
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(reads).toBeLessThanOrEqual(1);
    await world.clock.advance(20_000);
    expect(reads).toBeGreaterThan(1);
  });
});

describe("minting", () => {
  const mint = (world: World, ttlMs = 30 * minute) => world.gateway.memory.mint({ subject: "s", ttlMs });

  test("asks for a confirmation every 20 s", async () => {
    const world = await serving();
    world.deeds.length = 0;
    await world.clock.armed(1, 20_000);
    await world.clock.advance(20_000);
    await world.sees(({ confirmed }) => confirmed?.askedAtMs === world.clock.nowMs());
    expect(world.deeds).toEqual(["reads", "keeps 5"]);
  });

  test("by a partitioned gateway makes no token that outlives lastConfirmed + rotationWindow - 2 × clockSkew", async () => {
    const world = await serving();
    const lastConfirmedMs = world.clock.nowMs();
    const fenceMs = lastConfirmedMs + 2 * hour - 2 * minute;
    world.shows = away;
    const ends: number[] = [];
    for (let minutes = 0; minutes < 117; minutes += 10) {
      ends.push((await mint(world)).expiresAtMs - lastConfirmedMs);
      await world.clock.advance(10 * minute);
    }
    expect(Math.max(...ends) + lastConfirmedMs).toBe(fenceMs);
    await expect(mint(world)).rejects.toMatchObject({ code: "MintFenced" });
    world.shows = ring({ generation: 5 });
    await world.clock.advance(10_000);
    await expect(mint(world)).resolves.toMatchObject({ kid: kid(0) });
  });

  test("waits for the word that a signer which has just changed signs", async () => {
    const world = await serving();
    const answer = Promise.withResolvers<undefined>();
    const { shows } = world;
    const plain = world.truth.read.bind(world.truth);
    world.truth.read = async (signal) => {
      await answer.promise;
      return plain(signal);
    };
    world.mounts(ring({ generation: 6, signer: 1, standby: 2 }));
    const token = mint(world);
    world.shows = ring({ generation: 6, signer: 1, standby: 2 });
    answer.resolve(undefined);
    expect(shows).not.toBe(world.shows);
    await expect(token).resolves.toMatchObject({ kid: kid(1) });
  });

  test("is refused in a moment when that word does not come", async () => {
    const world = await serving();
    world.shows = away;
    world.mounts(ring({ generation: 6, signer: 1, standby: 2 }));
    const token = expect(mint(world)).rejects.toMatchObject({ code: "MintFenced" });
    await world.clock.advance(2000);
    await token;
  });

  test("is not possible without the signer's half, nor before the gateway is ready", async () => {
    const world = new World();
    world.shows = away;
    await world.start();
    await expect(mint(world)).rejects.toMatchObject({ code: "NotReady" });
    world.shows = { kind: "ring", ring: opened({ generation: 5 }, { half: false }) };
    await world.clock.advance(5000);
    await world.sees(isReady);
    await expect(mint(world)).rejects.toMatchObject({ code: "NoSigner" });
  });

  test("goes on in a degraded restart within what was confirmed before, and not at all without", async () => {
    const world = new World();
    const floor = { ring: opened({ generation: 5 }, { half: false }), refused: new Set<string>() };
    const askedAtMs = world.clock.nowMs() - hour;
    world.floor = { ...floor, confirmed: { kid: kid(0), askedAtMs } };
    world.ackFault = away;
    world.shows = away;
    await world.start();
    world.mounts(ring({ generation: 5 }));
    await world.clock.advance(31_000);
    await world.sees(({ degraded }) => degraded);
    const { expiresAtMs } = await mint(world, hour);
    expect(expiresAtMs).toBe(askedAtMs + 2 * hour - 2 * minute);

    const other = new World();
    other.floor = floor;
    other.ackFault = away;
    other.shows = away;
    await other.start();
    other.mounts(ring({ generation: 5 }));
    await other.clock.advance(31_000);
    await other.sees(({ degraded }) => degraded);
    const token = expect(mint(other)).rejects.toMatchObject({ code: "MintFenced" });
    await other.clock.advance(2000);
    await token;
  });
});

test("leave takes the ack back, if there is one", async () => {
  const world = await serving();
  await world.gateway.leave();
  expect(world.deeds.at(-1)).toBe("leaves");
  const silent = new World();
  silent.ackFault = away;
  await silent.start();
  await silent.gateway.leave();
  expect(silent.deeds).not.toContain("leaves");
});
