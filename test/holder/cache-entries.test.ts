import { expect, test } from "vitest";
import { ring, World } from "../gateway/support/world.ts";
import { tokenOf } from "../gateway/support/tokens.ts";

test.each([
  [0, false],
  [1, true],
])(
  "a holder whose keys may remember %d tokens answers one that comes again with the same verdict: %s",
  async (cacheEntries, isSame) => {
    const world = new World();
    world.shows = ring({ generation: 5 });
    await world.start({ cacheEntries });
    await world.sees(({ current }) => current?.ring.generation === 5);
    const nowMs = world.clock.nowMs();
    const token = tokenOf({ nowMs });
    const verify = () => world.gateway.memory.verifier?.verify(token, nowMs);
    expect(verify()?.ok).toBe(true);
    const [first, again] = [verify(), verify()];
    expect(first === again).toBe(isSame);
  },
);
