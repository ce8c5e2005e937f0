import { type ExchangeEffect, type ExchangeEvent, stepExchange } from "../../../../src/sessions/core/peer-exchange.ts";
import type { PeerEffect, PeerEvent } from "../../../../src/sessions/core/peer-state.ts";
import { movedPeer, stepPeer } from "../../../../src/sessions/core/step-peer.ts";
import { omit } from "../../../model/world/omit.ts";
import { breached, performed } from "../gateway.ts";
import { graceMs, keepMs } from "../world.ts";
import {
  type At,
  atOf,
  type BusWord,
  idOf,
  otherOf,
  type Places,
  type PlacesScenario,
  toldOnBus,
  withPlace,
} from "./place.ts";

const rules = { graceMs, keepMs, queueMessages: 8, queueBytes: 1024 };
const payload = new Uint8Array();

/** What is, in which scenario, and at which replica something happens. */
type Here = readonly [all: Places, scenario: PlacesScenario, at: At];

const broken = (all: Places, why: string): Places => ({ ...all, world: breached(all.world, why) });

const nowAt = (all: Places, scenario: PlacesScenario, at: At): number =>
  all.world.nowMs + (at === 1 ? (scenario.skewMs ?? 0) : 0);

/** One replica's peer hears of something; what is to be done is done at once. */
export function toldAt([all, scenario, at]: Here, event: PeerEvent): Places {
  const place = all.places[at];
  const context = { nowMs: nowAt(all, scenario, at), chance: 0.5, rules };
  const { state, effects } = (scenario.step ?? stepPeer)(place.peer, event, context);
  const next = withPlace(all, at, { ...omit(place, "peer"), ...(state && { peer: state }) });
  return effects.reduce<Places>((to, effect) => done([to, scenario, at], effect), next);
}

function done([all, scenario, at]: Here, effect: PeerEffect): Places {
  if (effect.kind === "answer") return answered([all, scenario, at], effect.id, effect.outcome);
  if (effect.kind === "close" && effect.end.code === "Superseded") return superseded(all, effect.sessionId);
  if (effect.kind !== "deliver") return { ...all, world: performed(all.world, effect, [effect]) };
  const { application } = all.world;
  const { seq, id } = effect.message;
  const isAgain = application.had.includes(id);
  const had = isAgain ? application.had : [...application.had, id];
  const toTake = [...application.toTake, { lineage: effect.lineage, seq, id }];
  const to = {
    ...all,
    world: { ...all.world, application: { ...application, had, toTake } },
    heardAt: [...all.heardAt, at],
  };
  return isAgain && !effect.isRedelivered && !all.isHarmed ? broken(to, `(a) ${id} comes twice, unmarked`) : to;
}

/** Another session may be open at the other replica: the order of being told is not this one's. */
function superseded(all: Places, id: string): Places {
  const { connections } = all.world;
  const end = { kind: "closing", end: { code: "Superseded", isRetryable: true, afterMs: 0 } } as const;
  return {
    ...all,
    world: {
      ...all.world,
      connections: connections.map((one) =>
        one.id !== id ? one : { ...one, phase: "closed" as const, ...(!one.isBroken && { down: [...one.down, end] }) },
      ),
    },
  };
}

/** The own application is told, and the other replica where it has asked. */
function answered([all, scenario, at]: Here, id: string, outcome: string): Places {
  const place = all.places[at];
  let to = all;
  if (place.owed.includes(id)) {
    to = withPlace(to, at, { ...place, owed: place.owed.filter((one) => one !== id) });
    to = toldOnBus(to, otherOf(at), { kind: "outcome", id, outcome });
  }
  const isOwn = all.sentAt[id] === at && all.world.application.answers[id] === undefined;
  if (!isOwn || to.places[at].asks.includes(id)) return to;
  return outcome === "moved" ? asks([to, scenario, at], id) : final(to, id, outcome);
}

function final(all: Places, id: string, outcome: string): Places {
  const { application, everHad } = all.world;
  const to = {
    ...all,
    world: { ...all.world, application: { ...application, answers: { ...application.answers, [id]: outcome } } },
  };
  return outcome === "delivered" && !everHad.includes(id) ? broken(to, `(a) ${id} was not delivered`) : to;
}

/** Here, where the peer is, or over the bus. */
export function sends([all, scenario, at]: Here, id: string): Places {
  const { peer } = all.places[at];
  return peer ? toldAt([all, scenario, at], { kind: "sent", message: { id, payload } }) : asks([all, scenario, at], id);
}

/** What is asked goes on being asked for until somebody knows. */
function asks([all, scenario, at]: Here, id: string): Places {
  const place = all.places[at];
  return asked(
    [withPlace(all, at, { ...place, asks: [...place.asks.filter((one) => one !== id), id] }), scenario, at],
    id,
  );
}

/** Again: the answer, or the question, was lost. */
export function asked([all, scenario, at]: Here, id: string): Places {
  const place = all.places[at];
  if (place.peer) {
    const rest = withPlace(all, at, { ...place, asks: place.asks.filter((one) => one !== id) });
    return toldAt([rest, scenario, at], { kind: "sent", message: { id, payload } });
  }
  // It may be about to be here
  if (place.exchange?.kind === "claiming") return all;
  if (isListened(all, at)) return toldOnBus(all, otherOf(at), { kind: "send", id });
  // Not believed of a bus that is away, or was
  return all.isCut ? all : outcomeHeard([all, scenario, at], { kind: "outcome", id, outcome: "gone" });
}

const isListened = (all: Places, at: At): boolean => {
  const other = all.places[otherOf(at)];
  return !all.isCut && (other.peer !== undefined || other.exchange !== undefined);
};

function outcomeHeard([all, scenario, at]: Here, word: Extract<BusWord, { kind: "outcome" }>): Places {
  const place = all.places[at];
  const { id, outcome } = word;
  if (!place.asks.includes(id)) return all;
  if (outcome === "moved") return asked([all, scenario, at], id);
  return final(withPlace(all, at, { ...place, asks: place.asks.filter((one) => one !== id) }), id, outcome);
}

/** What others say of the peer is heard, and what is to be done is done at once. */
export function exchanged([all, scenario, at]: Here, event: ExchangeEvent): Places {
  const place = all.places[at];
  const held = place.peer && {
    order: { openedAtMs: place.peer.openedAtMs, replicaId: idOf(at) },
    isTaken: place.peer.inbox.waiting.length === 0,
  };
  const { exchange, effects } = (scenario.exchange ?? stepExchange)(place.exchange, held, event);
  const next = withPlace(all, at, { ...omit(place, "exchange"), ...(exchange && { exchange }) });
  return effects.reduce<Places>((to, effect) => exchangeDone([to, scenario, at], effect), next);
}

function exchangeDone([all, scenario, at]: Here, effect: ExchangeEffect): Places {
  const place = all.places[at];
  switch (effect.kind) {
    case "claim":
      if (all.isCut) return exchanged([all, scenario, at], { kind: "answered" });
      return isListened(all, at)
        ? toldOnBus(all, otherOf(at), { kind: "claim", claim: { id: idOf(at), kind: "hello", order: effect.order } })
        : // The server says that nobody listens
          toldOnBus(all, at, { kind: "answer", order: effect.order });
    case "answer":
      return toldOnBus(
        all,
        atOf(effect.to.order),
        effect.to.kind === "hello"
          ? { kind: "answer", order: effect.to.order, answer: effect.answer }
          : { kind: "overruled", order: effect.to.order },
      );
    case "admit": {
      const kept = effect.peer ? toldAt([all, scenario, at], { kind: "brought", peer: effect.peer }) : all;
      return admitted(kept, scenario, at);
    }
    case "refuse":
      return refused(all, at);
    case "supersede":
      return toldAt([all, scenario, at], { kind: "claimed" });
    case "handOver": {
      const peer = place.peer && movedPeer(place.peer);
      const answer = { kind: "yours", ...(peer && { peer }) } as const;
      const said = toldOnBus(all, atOf(effect.to.order), { kind: "answer", order: effect.to.order, answer });
      return toldAt([said, scenario, at], { kind: "moved" });
    }
    case "letGo":
      return toldAt(
        [
          all.isHarmed ? all : broken(all, "(b) a standing claim takes a peer away, and nothing was lost"),
          scenario,
          at,
        ],
        {
          kind: "moved",
        },
      );
    default:
      return effect satisfies never;
  }
}

/** A hello at this replica, or the one before it that waits no longer. */
export function helloRead([all, scenario, at]: Here, id: string): Places {
  const waiting = all.places[at].hello === undefined ? all : refused(all, at);
  const to = withPlace(waiting, at, { ...waiting.places[at], hello: id });
  const place = to.places[at];
  if (place.peer === undefined) {
    const order = { openedAtMs: nowAt(to, scenario, at), replicaId: idOf(at) };
    return exchanged([to, scenario, at], { kind: "hello", order });
  }
  return admitted(exchanged([to, scenario, at], { kind: "returned" }), scenario, at);
}

function admitted(all: Places, scenario: PlacesScenario, at: At): Places {
  const { hello: id } = all.places[at];
  const to = withPlace(all, at, omit(all.places[at], "hello"));
  const connection = to.world.connections.find((one) => one.id === id);
  const opened =
    connection === undefined || connection.isBroken || id === undefined || connection.shown === undefined
      ? to
      : toldAt([to, scenario, at], {
          ...{ kind: "opened", sessionId: id, token: connection.shown },
          ...(connection.resume && { resume: connection.resume }),
        });
  const { peer, asks: open } = opened.places[at];
  return peer ? open.reduce((next, one) => asked([next, scenario, at], one), opened) : opened;
}

function refused(all: Places, at: At): Places {
  const { hello } = all.places[at];
  const to = withPlace(all, at, omit(all.places[at], "hello"));
  return hello === undefined ? to : superseded(to, hello);
}

/** The first word that is on its way to this replica arrives. */
export function wordArrives(all: Places, scenario: PlacesScenario, at: At): Places {
  const [word] = all.words[at];
  if (word === undefined) return all;
  const rest = all.words[at].slice(1);
  const to: Places = { ...all, words: at === 0 ? [rest, all.words[1]] : [all.words[0], rest] };
  const place = to.places[at];
  switch (word.kind) {
    case "claim":
      return exchanged([to, scenario, at], { kind: "claimed", claim: word.claim });
    case "answer": {
      const own = place.exchange?.kind === "claiming" ? place.exchange.order : undefined;
      const isOwn = own?.openedAtMs === word.order.openedAtMs;
      return isOwn
        ? exchanged([to, scenario, at], { kind: "answered", ...(word.answer && { answer: word.answer }) })
        : to;
    }
    case "overruled":
      return exchanged([to, scenario, at], word);
    case "send": {
      if (place.peer === undefined) return to;
      const owed = [...place.owed.filter((one) => one !== word.id), word.id];
      return toldAt([withPlace(to, at, { ...place, owed }), scenario, at], {
        kind: "sent",
        message: { id: word.id, payload },
      });
    }
    case "outcome":
      return outcomeHeard([to, scenario, at], word);
    default:
      return word satisfies never;
  }
}

/** Says that the peer is here. */
export function stands(all: Places, at: At): Places {
  const { peer } = all.places[at];
  if (peer === undefined || !isListened(all, at)) return all;
  const order = { openedAtMs: peer.openedAtMs, replicaId: idOf(at) };
  return toldOnBus(all, otherOf(at), { kind: "claim", claim: { id: idOf(at), kind: "standing", order } });
}
