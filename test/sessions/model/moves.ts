import { revokedBetween } from "../../../src/sessions/core/session-token.ts";
import { omit } from "../../model/world/omit.ts";
import { clientReads, connected, says, without } from "./client.ts";
import { changed, read, told } from "./gateway.ts";
import {
  type Connection,
  drainMs,
  isGood,
  kidOf,
  newClient,
  type Scenario,
  tickMs,
  tokenAt,
  type World,
} from "./world.ts";

export interface Move {
  readonly name: string;
  readonly to: World;
}

type Left = World["left"];

const spend = (world: World, what: keyof Left): World => ({
  ...world,
  left: { ...world.left, [what]: world.left[what] - 1 },
});

/** Everything that may happen next. */
export function movesFrom(world: World, scenario: Scenario): readonly Move[] {
  if (world.breach !== undefined) return [];
  return [
    ...world.connections.flatMap((connection) => ofConnection(world, scenario, connection)),
    ...world.renewals.map((_, at) => renewalArrives(world, scenario, at)),
    ...ofClient(world),
    ...ofApplication(world, scenario),
    ...ofOperator(world, scenario),
    ...(world.left.ticks > 0 ? [{ name: "time passes", to: ticked(spend(world, "ticks"), scenario) }] : []),
  ];
}

function ofConnection(world: World, scenario: Scenario, connection: Connection): readonly Move[] {
  const { id, up, down, isBroken } = connection;
  if (isBroken) return [{ name: `the end of ${id} is noticed`, to: noticed(world, scenario, id) }];
  return [
    ...(up.length > 0
      ? [{ name: `the gateway reads ${id}: ${up[0]?.kind}`, to: read(world, scenario, connection) }]
      : []),
    ...(down.length > 0
      ? [{ name: `the client reads ${id}: ${down[0]?.kind}`, to: clientReads(world, scenario, connection) }]
      : []),
    ...(world.left.losses > 0 ? [{ name: `${id} breaks`, to: broken(spend(world, "losses"), id) }] : []),
  ];
}

/** The client knows at once, the gateway when it looks. */
function broken(world: World, id: string): World {
  const to = changed(world, id, { up: [], down: [], isBroken: true });
  return to.client.current === id ? { ...to, client: omit(to.client, "current") } : to;
}

export function noticed(world: World, scenario: Scenario, id: string): World {
  return told(without(world, id), scenario, { kind: "lost", sessionId: id, left: false });
}

function renewalArrives(world: World, scenario: Scenario, at: number): Move {
  const renewal = world.renewals[at];
  const rest = { ...world, renewals: world.renewals.toSpliced(at, 1) };
  const name = `renewal ${at + 1} arrives`;
  if (renewal === undefined || !isGood(world, renewal.token)) return { name, to: rest };
  const { sessionId, token } = renewal;
  const connection = world.connections.find(({ id }) => id === sessionId);
  const { expiresAtMs = Infinity } = token;
  const isNewer = connection !== undefined && expiresAtMs >= connection.shownEndMs && expiresAtMs > world.nowMs;
  const shown = isNewer ? changed(rest, sessionId, { shown: token, shownEndMs: expiresAtMs }) : rest;
  return { name, to: told(shown, scenario, { kind: "renewed", sessionId, token }) };
}

const mostConnections = 2;

function ofClient(world: World): readonly Move[] {
  const { client, left, connections, isGrantRevoked } = world;
  const moves: Move[] = [];
  if (left.connects > 0 && connections.length < mostConnections) {
    moves.push({ name: "the client connects", to: connected(spend(world, "connects")) });
  }
  if (left.tokens > 0 && !isGrantRevoked) {
    const to = spend(world, "tokens");
    moves.push({ name: "the client gets a newer token", to: { ...to, client: { ...client, token: tokenAt(world) } } });
  }
  if (client.current !== undefined && left.up > 0) {
    moves.push({ name: "the client sends", to: sends(spend(world, "up"), client.current) });
  }
  if (client.current !== undefined && left.renewals > 0) {
    const to = spend(world, "renewals");
    const renewal = { sessionId: client.current, token: client.token };
    moves.push({ name: "the client renews in place", to: { ...to, renewals: [...world.renewals, renewal] } });
  }
  if (left.crashes > 0) moves.push({ name: "the client crashes", to: crashed(spend(world, "crashes")) });
  return moves;
}

function sends(world: World, current: string): World {
  const { client, said } = world;
  const message = { seq: client.lastSeq + 1, id: `u${said.length + 1}` };
  const unconfirmed = [...client.unconfirmed, message];
  const to = { ...world, said: [...said, message.id], client: { ...client, unconfirmed, lastSeq: message.seq } };
  return says(to, current, { kind: "message", ...message });
}

/** It has the newest token at once; of its connections nobody reads any more. */
function crashed(world: World): World {
  const connections = world.connections.map((one) => ({ ...one, up: [], down: [], isBroken: true as const }));
  return { ...world, connections, renewals: [], client: newClient(world.client.token) };
}

function ofApplication(world: World, scenario: Scenario): readonly Move[] {
  const { application, left } = world;
  const moves: Move[] = [];
  if (left.down > 0)
    moves.push({ name: "the application sends", to: applicationSends(spend(world, "down"), scenario) });
  if (application.toTake.length > 0) moves.push({ name: "the application takes", to: takes(world, scenario) });
  return moves;
}

function applicationSends(world: World, scenario: Scenario): World {
  const { application } = world;
  const id = `d${application.sent.length + 1}`;
  const to = { ...world, application: { ...application, sent: [...application.sent, id] } };
  return told(to, scenario, { kind: "sent", message: { id, payload: new Uint8Array() } });
}

export function takes(world: World, scenario: Scenario): World {
  const { application } = world;
  const [first, ...toTake] = application.toTake;
  if (first === undefined) return world;
  const taken = [...application.taken, first.id];
  const { lineage, seq } = first;
  return told({ ...world, application: { ...application, toTake, taken } }, scenario, { kind: "taken", lineage, seq });
}

function ofOperator(world: World, scenario: Scenario): readonly Move[] {
  const { left, signer, prunedKids } = world;
  const moves: Move[] = [];
  if (left.rotations > 0) {
    const to = { ...spend(world, "rotations"), signer: signer + 1 };
    moves.push({ name: "the key rotates", to });
  }
  if (signer > 1 && !prunedKids.includes(kidOf(signer - 1))) {
    const to = { ...world, prunedKids: [...prunedKids, kidOf(signer - 1)] };
    moves.push({ name: "the key before is pruned", to: ringSwapped(world, to, scenario) });
  }
  if (left.keyRevocations > 0) {
    const to = spend(world, "keyRevocations");
    const revokedKids = [...to.revokedKids, kidOf(signer)];
    const next = { ...to, signer: signer + 1, revokedKids };
    moves.push({ name: "the signing key is revoked", to: ringSwapped(world, next, scenario) });
  }
  if (left.grantRevocations > 0) {
    const to = { ...spend(world, "grantRevocations"), isGrantRevoked: true };
    const revocation = { kind: "grant", value: "grant", atMs: world.nowMs, endsAtMs: Infinity } as const;
    moves.push({ name: "the grant is revoked", to: told(to, scenario, { kind: "revoked", revocation }) });
  }
  if (left.drains > 0) {
    const to = { ...spend(world, "drains"), drainsUntilMs: world.nowMs + drainMs };
    moves.push({ name: "the gateway drains", to: told(to, scenario, { kind: "draining", withinMs: drainMs }) });
  }
  if (left.restarts > 0) moves.push({ name: "the gateway begins anew", to: restarted(spend(world, "restarts")) });
  return moves;
}

function ringSwapped(before: World, after: World, scenario: Scenario): World {
  const keys = ({ revokedKids, prunedKids, signer }: World) => ({
    revokedKids: new Set(revokedKids),
    kids: new Set([kidOf(signer), kidOf(signer - 1)].filter((kid) => ![...prunedKids, ...revokedKids].includes(kid))),
  });
  const revocations = (scenario.revoked ?? revokedBetween)(keys(before), keys(after));
  return revocations.reduce((to, revocation) => told(to, scenario, { kind: "revoked", revocation }), after);
}

/** Its memory is gone, and every connection; the application hears that from its own. */
function restarted(world: World): World {
  const { application } = world;
  const open = application.sent.filter((id) => application.answers[id] === undefined);
  const answers = { ...application.answers, ...Object.fromEntries(open.map((id) => [id, "gone"])) };
  return {
    ...omit(world, "peer"),
    connections: [],
    renewals: [],
    client: omit(world.client, "current"),
    application: { ...application, answers, toTake: [] },
  };
}

/** A timer goes off in time. */
function ticked(world: World, scenario: Scenario): World {
  return told({ ...world, nowMs: world.nowMs + tickMs }, scenario, { kind: "looked" });
}
