import { omit } from "../../../model/world/omit.ts";
import { clientReads, connected, says, without } from "../client.ts";
import { changed } from "../gateway.ts";
import type { Connection, World } from "../world.ts";
import { type At, both, otherOf, plain, type Places, type PlacesBudget, type PlacesScenario } from "./place.ts";
import { asked, exchanged, helloRead, sends, stands, toldAt, wordArrives } from "./replica.ts";

interface Move {
  readonly name: string;
  readonly to: Places;
}

const payload = new Uint8Array();
const spend = (all: Places, what: keyof PlacesBudget, isHarm = false): Places => ({
  ...all,
  isHarmed: all.isHarmed || isHarm,
  left: { ...all.left, [what]: all.left[what] - 1 },
});
const withWorld = (all: Places, world: World): Places => ({ ...all, world });

/** Everything that may happen next. */
export function movesFrom(all: Places, scenario: PlacesScenario): readonly Move[] {
  const { world, left } = all;
  if (world.breach !== undefined) return [];
  return [
    ...world.connections.flatMap((connection) => ofConnection(all, scenario, connection)),
    ...both.flatMap((at) => ofReplica(all, scenario, at)),
    ...ofClient(all),
    ...(world.application.toTake.length > 0 ? [{ name: "an application takes", to: takes(all, scenario) }] : []),
    ...(left.cuts > 0 && !all.isCut ? [{ name: "the bus is cut", to: cut(spend(all, "cuts", true)) }] : []),
    ...(all.isCut ? [{ name: "the bus is whole again", to: healed(all) }] : []),
  ];
}

function ofConnection(all: Places, scenario: PlacesScenario, connection: Connection): readonly Move[] {
  const { id, up, down, isBroken } = connection;
  if (isBroken) return [{ name: `the end of ${id} is noticed`, to: noticed(all, scenario, id) }];
  return [
    ...(isReadable(all, connection)
      ? [{ name: `${sideOf(all, id)} reads ${id}: ${up[0]?.kind}`, to: read(all, scenario, connection) }]
      : []),
    ...(down.length > 0
      ? [{ name: `the client reads ${id}: ${down[0]?.kind}`, to: clientRead(all, scenario, connection) }]
      : []),
    ...(all.left.losses > 0 ? [{ name: `${id} breaks`, to: breaks(spend(all, "losses"), id) }] : []),
  ];
}

function ofReplica(all: Places, scenario: PlacesScenario, at: At): readonly Move[] {
  const { left, words, places } = all;
  const [word] = words[at];
  const moves: Move[] = [];
  if (word) {
    moves.push({ name: `${at} hears: ${word.kind}`, to: wordArrives(all, scenario, at) });
    if (left.drops > 0)
      moves.push({ name: `${word.kind} to ${at} is lost`, to: dropped(spend(all, "drops", true), at) });
  }
  if (left.down > 0)
    moves.push({ name: `the application at ${at} sends`, to: applicationSends(spend(all, "down"), scenario, at) });
  const isClaiming = places[at].exchange?.kind === "claiming";
  if (places[at].exchange && left.timeouts > 0) {
    moves.push({ name: `${at} waits no longer`, to: timedOut(spend(all, "timeouts", isClaiming), scenario, at) });
  }
  if (left.stands > 0 && places[at].peer) moves.push({ name: `${at} stands`, to: stands(spend(all, "stands"), at) });
  return moves;
}

function ofClient(all: Places): readonly Move[] {
  const { world, left } = all;
  const { client } = world;
  const moves: Move[] = [];
  if (left.connects > 0 && world.connections.length < 2) {
    for (const at of both)
      moves.push({ name: `the client connects to ${at}`, to: connects(spend(all, "connects"), at) });
  }
  if (client.current !== undefined && left.up > 0) {
    const message = { seq: client.lastSeq + 1, id: `u${world.said.length + 1}` };
    const unconfirmed = [...client.unconfirmed, message];
    const next = {
      ...world,
      said: [...world.said, message.id],
      client: { ...client, unconfirmed, lastSeq: message.seq },
    };
    const to = withWorld(spend(all, "up"), says(next, client.current, { kind: "message", ...message }));
    moves.push({ name: "the client sends", to });
  }
  return moves;
}

const sideOf = (all: Places, id: string): At => all.sides[id] ?? 0;

/** What comes after a hello that waits, waits with it. */
export const isReadable = (all: Places, { id, up }: Connection): boolean =>
  up.length > 0 && all.places[sideOf(all, id)].hello !== id;

/** Time goes on with each connection: the later one is later by the clock. */
export function connects(all: Places, at: At): Places {
  const world = connected({ ...all.world, nowMs: all.world.nowMs + 1 });
  return { ...withWorld(all, world), sides: { ...all.sides, [`s${world.count}`]: at } };
}

export function read(all: Places, scenario: PlacesScenario, { id, up }: Connection): Places {
  const [frame] = up;
  const at = sideOf(all, id);
  const to = withWorld(all, changed(all.world, id, { up: up.slice(1) }));
  switch (frame?.kind) {
    case "hello": {
      const { token, resume } = frame;
      const shown = { shown: token, shownEndMs: token.expiresAtMs ?? Infinity, ...(resume && { resume }) };
      return helloRead([withWorld(to, changed(to.world, id, shown)), scenario, at], id);
    }
    case "received":
      return toldAt([to, scenario, at], { kind: "confirmed", sessionId: id, seq: frame.seq });
    case "message":
      return toldAt([to, scenario, at], {
        ...{ kind: "heard", sessionId: id, message: { seq: frame.seq, id: frame.id, payload } },
      });
    case undefined:
      return to;
    default:
      return frame satisfies never;
  }
}

export const clientRead = (all: Places, scenario: PlacesScenario, connection: Connection): Places =>
  withWorld(all, clientReads(all.world, plain(scenario), connection));

function breaks(all: Places, id: string): Places {
  const to = changed(all.world, id, { up: [], down: [], isBroken: true });
  return withWorld(all, to.client.current === id ? { ...to, client: omit(to.client, "current") } : to);
}

export function noticed(all: Places, scenario: PlacesScenario, id: string): Places {
  const to = withWorld(all, without(all.world, id));
  return toldAt([to, scenario, sideOf(all, id)], { kind: "lost", sessionId: id, left: false });
}

function applicationSends(all: Places, scenario: PlacesScenario, at: At): Places {
  const { application } = all.world;
  const id = `d${application.sent.length + 1}`;
  const world = { ...all.world, application: { ...application, sent: [...application.sent, id] } };
  return sends([{ ...withWorld(all, world), sentAt: { ...all.sentAt, [id]: at } }, scenario, at], id);
}

export function takes(all: Places, scenario: PlacesScenario): Places {
  const { application } = all.world;
  const [[first, ...toTake], [at = 0, ...heardAt]] = [application.toTake, all.heardAt];
  if (first === undefined) return all;
  const taken = application.taken.includes(first.id) ? application.taken : [...application.taken, first.id];
  const world = { ...all.world, application: { ...application, toTake, taken } };
  const { lineage, seq } = first;
  const to = toldAt([{ ...withWorld(all, world), heardAt }, scenario, at], { kind: "taken", lineage, seq });
  const { exchange, peer } = to.places[at];
  const isSettled = exchange?.kind === "leaving" && peer?.inbox.waiting.length === 0;
  return isSettled ? exchanged([to, scenario, at], { kind: "settled" }) : to;
}

export const timedOut = (all: Places, scenario: PlacesScenario, at: At): Places =>
  exchanged([all, scenario, at], { kind: all.places[at].exchange?.kind === "leaving" ? "settled" : "answered" });

const dropped = (all: Places, at: At): Places => ({
  ...all,
  words: at === 0 ? [all.words[0].slice(1), all.words[1]] : [all.words[0], all.words[1].slice(1)],
});

const cut = (all: Places): Places => ({ ...all, isCut: true, words: [[], []] });

/** Each says which peers it has. */
export const healed = (all: Places): Places =>
  both.reduce<Places>((to, at) => stands(to, at), { ...all, isCut: false });

/** Nothing is on its way for it: so it asks again. */
export function retried(all: Places, scenario: PlacesScenario): Places {
  for (const at of both) {
    const [id] = all.places[at].asks;
    const isWaited = all.places[otherOf(at)].owed.includes(id ?? "");
    if (id !== undefined && !isWaited && all.words.every((words) => words.length === 0)) {
      return asked([all, scenario, at], id);
    }
  }
  return all;
}
