import { describe, expect, test } from "vitest";
import { type ClientEvent, type ConnectionEnd, newClient } from "../../../src/client/session-core/client-state.ts";
import { ownEnd } from "../../../src/client/session-core/connection-end.ts";
import { clientWakeAtMs, stepClient } from "../../../src/client/session-core/step-client.ts";
import { SessionRegistry } from "../../../src/sessions/core/session-registry.ts";
import { Chance } from "../../soak/chance.ts";
import { looked, nowMs, opening, rules, tokenOf } from "../../sessions/core/support/registry.ts";

const many = 10_000;

function chanceOf(...from: readonly number[]): () => number {
  const chance = new Chance("spread", ...from);
  return () => chance.next();
}

/** When a client whose session of a minute ends at `lostAtMs` shows its token to a gateway that is back at `backAtMs`; before that nobody answers. */
function returnMs(end: ConnectionEnd, { lostAtMs, backAtMs }: Outage, chance: () => number): number {
  let state = newClient("reconnect");
  const on = (event: ClientEvent, atMs: number): void => {
    ({ state } = stepClient(state, event, { nowMs: atMs, chance: chance() }));
  };
  const shows = (atMs: number): void => {
    on({ kind: "looked" }, atMs);
    on({ kind: "given", number: state.number, token: "t1" }, atMs);
  };
  shows(lostAtMs - 60_000);
  const accepted = { sessionId: "s1", heartbeatMs: 1e6, terms: {} };
  on({ kind: "accepted", connection: state.number, ...accepted }, lostAtMs - 60_000);
  on({ kind: "lost", connection: state.number, end }, lostAtMs);
  for (;;) {
    const atMs = clientWakeAtMs(state);
    shows(atMs);
    if (atMs >= backAtMs) return atMs;
    on({ kind: "lost", connection: state.number, end: ownEnd("Lost", "Nobody answers") }, atMs);
  }
}

interface Outage {
  readonly lostAtMs: number;
  readonly backAtMs: number;
}

/** Of all, those that come in the second in which most of them do. */
function mostInASecond(instantsMs: readonly number[]): number {
  const seconds = Map.groupBy(instantsMs, (atMs) => Math.floor(atMs / 1000));
  return Math.max(...[...seconds.values()].map(({ length }) => length)) / instantsMs.length;
}

describe("ten thousand clients of a gateway that is replaced", () => {
  test("come back spread over its drain: in no second more than 8 % of them", () => {
    const chance = chanceOf(1);
    const registry = new SessionRegistry({ ...rules, peersOfSubject: many }, chance);
    for (let n = 0; n < many; n++) {
      const token = tokenOf("alice", nowMs + 3_600_000);
      registry.open({ subject: "alice", instanceId: `i${n}` }, opening(`s${n}`, { token }), nowMs);
    }
    registry.drain(16_000, nowMs);
    const ends: { readonly lostAtMs: number; readonly end: ConnectionEnd }[] = [];
    while (ends.length < many) {
      const lostAtMs = registry.wakeAtMs;
      for (const { effect } of looked(registry, lostAtMs))
        if (effect.kind === "close") ends.push({ lostAtMs, end: { ...effect.end, reason: "" } });
    }
    // Another replica takes them at once
    const instants = ends.map(({ lostAtMs, end }) => returnMs(end, { lostAtMs, backAtMs: 0 }, chance));
    expect(mostInASecond(instants)).toBeLessThan(0.08);
  });
});

describe("ten thousand clients of a gateway that was killed", () => {
  // The sooner it is back, the fewer pauses have grown
  test.each([
    [1, 60],
    [5, 26],
    [10, 16],
    [30, 8],
    [60, 8],
  ])(
    "and is back after %d s come back by their pauses: in no second more than %d percent of them",
    (backSeconds, percent) => {
      const chance = chanceOf(backSeconds);
      const end = ownEnd("Lost", "The connection is lost");
      const instants = Array.from({ length: many }, () =>
        returnMs(end, { lostAtMs: 0, backAtMs: backSeconds * 1000 }, chance),
      );
      expect(mostInASecond(instants)).toBeLessThan(percent / 100);
    },
  );
});
