import type { PeerEffect, PeerEvent, SessionRules } from "../../../src/sessions/core/peer-state.ts";
import { retryable, type SessionEnd } from "../../../src/sessions/core/session-end.ts";
import { stepPeer } from "../../../src/sessions/core/step-peer.ts";
import { omit } from "../../model/world/omit.ts";
import {
  type Connection,
  type Downward,
  graceMs,
  isGood,
  isRevoked,
  keepMs,
  type Scenario,
  type Upward,
  type World,
} from "./world.ts";

const rules: SessionRules = { graceMs, keepMs, queueMessages: 8, queueBytes: 1024 };
const payload = new Uint8Array();

/** The gateway hears of something; its effects are done at once. */
export function told(world: World, scenario: Scenario, event: PeerEvent): World {
  const context = { nowMs: world.nowMs, chance: 0.5, rules };
  const { state, effects } = (scenario.step ?? stepPeer)(world.peer, event, context);
  const next = { ...omit(world, "peer"), ...(state && { peer: state }) };
  const order = orderBreach(effects);
  return effects.reduce<World>(
    (to, effect) => performed(to, effect, effects),
    order === undefined ? next : breached(next, order),
  );
}

export const breached = (world: World, breach: string): World => ({ breach, ...world });

/** Whoever is told to go because of a newer one could have used that already. */
function orderBreach(effects: readonly PeerEffect[]): string | undefined {
  const at = effects.findIndex(({ kind }) => kind === "accept");
  const isEarly = effects.some(({ kind }, index) => kind === "close" && index < at);
  return isEarly ? "(b) the old session is told before the new one is accepted" : undefined;
}

export function performed(world: World, effect: PeerEffect, all: readonly PeerEffect[]): World {
  switch (effect.kind) {
    case "accept": {
      const { sessionId, acceptance } = effect;
      const { isResumed, received } = acceptance;
      const said = onConnection(world, sessionId, { kind: "accepted", sessionId, isResumed, received });
      const { connections } = said;
      const shown = connections.find(({ id }) => id === sessionId);
      const accepted = {
        ...said,
        connections: connections.map((one) => (one.id === sessionId ? { ...one, phase: "open" as const } : one)),
      };
      const isOver = shown !== undefined && shown.shownEndMs <= world.nowMs;
      return isOver ? breached(accepted, "(d) a token that has ended opens a session") : accepted;
    }
    case "transmit":
      return onConnection(world, effect.sessionId, {
        kind: "message",
        seq: effect.message.seq,
        id: effect.message.id,
      });
    case "confirm":
      return onConnection(world, effect.sessionId, { kind: "received", seq: effect.seq });
    case "close":
      return ended(world, effect, all);
    case "deliver": {
      const { seq, id } = effect.message;
      const { application } = world;
      const toTake = [...application.toTake, { lineage: effect.lineage, seq, id }];
      return { ...world, application: { ...application, had: [...application.had, id], toTake } };
    }
    case "answer":
      return answered(world, effect.id, effect.outcome);
    case "extend":
    case "tell":
      return world;
    default:
      return effect satisfies never;
  }
}

function answered(world: World, id: string, outcome: string): World {
  const { application, everHad } = world;
  const to = { ...world, application: { ...application, answers: { ...application.answers, [id]: outcome } } };
  if (application.answers[id] !== undefined) return breached(to, `(a) ${id} is answered twice`);
  return outcome === "delivered" && !everHad.includes(id) ? breached(to, `(a) ${id} was not delivered`) : to;
}

/** Says something on a connection that is open: nothing goes to a stale one. */
function onConnection(world: World, id: string, frame: Downward): World {
  const connection = world.connections.find((one) => one.id === id);
  // A client that crashed, or a gateway that does not know yet
  if (connection === undefined || connection.isBroken) return world;
  const to = {
    ...world,
    connections: world.connections.map((one) => (one.id === id ? { ...one, down: [...one.down, frame] } : one)),
  };
  return connection.phase === "closed" ? breached(to, "(b) something goes to a session that has ended") : to;
}

function ended(
  world: World,
  { sessionId, end }: Extract<PeerEffect, { kind: "close" }>,
  all: readonly PeerEffect[],
): World {
  const connection = world.connections.find(({ id }) => id === sessionId);
  if (connection === undefined) return world;
  const said = onConnection(world, sessionId, { kind: "closing", end });
  const to: World = {
    ...said,
    connections: said.connections.map((one) => (one.id === sessionId ? { ...one, phase: "closed" as const } : one)),
  };
  const isRightful = hasReason(world, [connection, end, all]);
  return isRightful ? to : breached(to, `(b) a session ends for no reason: ${end.code}`);
}

type Ended = readonly [connection: Connection, end: SessionEnd, all: readonly PeerEffect[]];

function hasReason(world: World, [{ id, phase, shownEndMs, shown }, { code }, all]: Ended): boolean {
  if (code === "Superseded") {
    return phase === "new" || all.some((effect) => effect.kind === "accept" && effect.sessionId !== id);
  }
  if (code === "Expired") return world.nowMs >= shownEndMs + (phase === "new" ? 0 : graceMs);
  if (code === "Revoked") return shown !== undefined && isRevoked(world, shown);
  return code === "Draining" && world.drainsUntilMs !== undefined;
}

/** The gateway reads what stands first on the connection. */
export function read(world: World, scenario: Scenario, { id, up, phase }: Connection): World {
  const [frame] = up;
  if (frame === undefined) return world;
  const to = changed(world, id, { up: up.slice(1) });
  if (frame.kind === "hello") return helloRead(to, scenario, [id, frame]);
  if (phase !== "open" && to.peer?.session?.id === id) return breached(to, "(b) an ended session is the open one");
  if (frame.kind === "received") return told(to, scenario, { kind: "confirmed", sessionId: id, seq: frame.seq });
  return told(to, scenario, { kind: "heard", sessionId: id, message: { seq: frame.seq, id: frame.id, payload } });
}

type Hello = Extract<Upward, { kind: "hello" }>;

/** The token is verified in the same tick. */
function helloRead(world: World, scenario: Scenario, [id, { token, resume }]: readonly [string, Hello]): World {
  const shown = changed(world, id, { shown: token, shownEndMs: token.expiresAtMs ?? Infinity });
  const isAllowed = isGood(world, token) && world.drainsUntilMs === undefined;
  if (isAllowed) return told(shown, scenario, { kind: "opened", sessionId: id, token, ...(resume && { resume }) });
  const code = world.drainsUntilMs === undefined ? "Revoked" : "Draining";
  return ended(shown, { kind: "close", sessionId: id, end: retryable(code) }, []);
}

export const changed = (world: World, id: string, to: Partial<Connection>): World => ({
  ...world,
  connections: world.connections.map((one) => (one.id === id ? { ...one, ...to } : one)),
});
