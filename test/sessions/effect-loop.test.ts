import { expect, it } from "vitest";
import type { PeerKey } from "../../src/sessions/core/peer-state.ts";
import type { RegistryEffect } from "../../src/sessions/core/session-registry.ts";
import { EffectLoop } from "../../src/sessions/effect-loop.ts";
import { FakeClock } from "../support/fake-clock.ts";

const peer: PeerKey = { subject: "alice", instanceId: "phone" };
const effect = (id: string): RegistryEffect => ({ peer, effect: { kind: "answer", id, outcome: "gone" } });

function loopOf(onPerform: (id: string, loop: EffectLoop) => void) {
  const done: string[] = [];
  const loop: EffectLoop = new EffectLoop({
    clock: new FakeClock(),
    registry: { wakeAtMs: Infinity, lookNext: () => undefined },
    perform: ({ effect: of }) => {
      const id = of.kind === "answer" ? of.id : "";
      done.push(id);
      onPerform(id, loop);
    },
  });
  return { loop, done };
}

it("does what comes of an effect after all that were there before", () => {
  const { loop, done } = loopOf((id, own) => id === "a" && own.act([effect("c")]));
  loop.act([effect("a"), effect("b")]);
  expect(done).toEqual(["a", "b", "c"]);
});

it("goes on with the others where one throws, also the next time, and tells who had it done", () => {
  const { loop, done } = loopOf((id) => {
    if (id.startsWith("bad")) throw new TypeError(id);
  });
  expect(() => loop.act(["a", "bad 1", "b", "bad 2", "c"].map(effect))).toThrow("bad");
  expect(done).toEqual(["a", "bad 1", "b", "bad 2", "c"]);
  loop.act([effect("d")]);
  expect(done.at(-1)).toBe("d");
  expect(() => loop.act([effect("bad 3")])).toThrow("bad 3");
  loop.act([effect("e")]);
  expect(done.slice(-3)).toEqual(["d", "bad 3", "e"]);
});

it("does what the clock says of one peer before it looks at the next, and after an error goes on at once", async () => {
  const clock = new FakeClock();
  const due = ["a", "bad", "b"];
  const seen: string[] = [];
  const loop = new EffectLoop({
    clock,
    registry: {
      get wakeAtMs() {
        return due.length > 0 ? clock.nowMs() : Infinity;
      },
      lookNext: () => {
        const id = due.shift();
        seen.push(`look ${id}`);
        return id === undefined ? undefined : [effect(id)];
      },
    },
    perform: ({ effect: of }) => {
      const id = of.kind === "answer" ? of.id : "";
      seen.push(`do ${id}`);
      if (id === "bad") throw new TypeError(id);
    },
  });
  loop.act([]);
  await expect(clock.advance(0)).rejects.toThrow("bad");
  await clock.advance(0);
  expect(seen).toEqual(["look a", "do a", "look bad", "do bad", "look b", "do b", "look undefined"]);
  expect(clock.waits).toEqual([]);
});
