import { omit } from "../../model/world/omit.ts";
import { breached, changed } from "./gateway.ts";
import type { Client, Connection, Downward, Scenario, World } from "./world.ts";

/** The client opens one more connection, and says who it is. */
export function connected(world: World): World {
  const { client, count } = world;
  const { token, sessionId, received } = client;
  const id = `s${count + 1}`;
  const resume = sessionId === undefined ? {} : { resume: { sessionId, received } };
  const up = [{ kind: "hello", token, ...resume } as const];
  const connection: Connection = { id, up, down: [], phase: "new", shownEndMs: 0 };
  return { ...world, count: count + 1, connections: [...world.connections, connection] };
}

/** The client reads what stands first on the connection. */
export function clientReads(world: World, scenario: Scenario, { id, down, phase }: Connection): World {
  const [frame] = down;
  if (frame === undefined) return world;
  const rest = down.slice(1);
  const isOver = frame.kind === "closing";
  const to = isOver && phase === "closed" ? without(world, id) : changed(world, id, { down: rest });
  if (frame.kind === "accepted") return accepted(to, scenario, frame);
  // Of two connections the one that was accepted last counts
  return to.client.current === id ? heard(to, scenario, frame) : to;
}

export const without = (world: World, id: string): World => ({
  ...world,
  connections: world.connections.filter((one) => one.id !== id),
});

/** What was not confirmed goes again; or, where nobody knows any more, whoever sent it is told. */
function accepted(world: World, scenario: Scenario, frame: Extract<Downward, { kind: "accepted" }>): World {
  const { sessionId, isResumed, received } = frame;
  const { client } = world;
  const known = { ...client, sessionId, current: sessionId };
  if (isResumed) {
    const [done, open] = [
      client.unconfirmed.filter(({ seq }) => seq <= received),
      client.unconfirmed.filter(({ seq }) => seq > received),
    ];
    const confirmed = [...client.confirmed, ...done.map(({ id }) => id)];
    const to: World = { ...world, client: { ...known, unconfirmed: open, confirmed } };
    return open.reduce<World>((next, message) => says(next, sessionId, { kind: "message", ...message }), to);
  }
  const inDoubt = [...client.inDoubt, ...client.unconfirmed.map(({ id }) => id)];
  const anew: Client = { ...known, received: 0, lastSeq: 0, unconfirmed: [], inDoubt };
  const to = { ...world, client: anew };
  return scenario.isKnown ? breached(to, "(a) both knew the session, and it does not go on") : to;
}

export const says = (world: World, id: string, frame: Connection["up"][number]): World => {
  const connection = world.connections.find((one) => one.id === id);
  return connection ? changed(world, id, { up: [...connection.up, frame] }) : world;
};

function heard(world: World, scenario: Scenario, frame: Exclude<Downward, { kind: "accepted" }>): World {
  const { client } = world;
  switch (frame.kind) {
    case "message":
      return message(world, scenario, frame);
    case "received": {
      const done = client.unconfirmed.filter(({ seq }) => seq <= frame.seq).map(({ id }) => id);
      const unconfirmed = client.unconfirmed.slice(done.length);
      return { ...world, client: { ...client, unconfirmed, confirmed: [...client.confirmed, ...done] } };
    }
    case "closing":
      return { ...world, client: omit(client, "current") };
    default:
      return frame satisfies never;
  }
}

/** Each once: by its number within sessions that go on with each other, by its id beyond. */
function message(world: World, { isForgetful }: Scenario, { seq, id }: Extract<Downward, { kind: "message" }>): World {
  const { client } = world;
  // Skipped, and said once more: the word may have gone to a session that was over
  if (seq <= client.received) return says(world, client.current ?? "", { kind: "received", seq: client.received });
  const isKnown = client.had.includes(id) && isForgetful !== true;
  const had = isKnown ? client.had : [...client.had, id];
  const everHad = world.everHad.includes(id) ? world.everHad : [...world.everHad, id];
  const to = { ...world, everHad, client: { ...client, received: seq, had } };
  return says(to, client.current ?? "", { kind: "received", seq });
}
