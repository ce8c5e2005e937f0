import {
  type ExchangeEffect,
  type ExchangeEvent,
  type HeldPeer,
  type PeerExchange,
  stepExchange,
} from "../../../../src/sessions/core/peer-exchange.ts";
import type { PeerContext, PeerEvent, PeerState, PeerStep } from "../../../../src/sessions/core/peer-state.ts";
import { stepPeer } from "../../../../src/sessions/core/step-peer.ts";
import { omit } from "../../../model/world/omit.ts";
import type { PlacesScenario } from "./place.ts";
import { placesScenarios } from "./scenarios.ts";

/** A rule, what is done without it, and a world in which that does harm. */
export interface PlacesKnockout {
  readonly rule: string;
  readonly scenario: PlacesScenario;
  /** What the last line of the shortest story says. */
  readonly ends: RegExp;
}

type Step = (state: PeerState | undefined, event: PeerEvent, context: PeerContext) => PeerStep;
type Exchange = (
  exchange: PeerExchange | undefined,
  held: HeldPeer | undefined,
  event: ExchangeEvent,
) => ReturnType<typeof stepExchange>;

const withStep = (scenario: PlacesScenario, [rule, ends]: readonly [string, RegExp], step: Step): PlacesKnockout => ({
  ...{ rule, ends },
  scenario: { ...scenario, step },
});

const withExchange = (
  scenario: PlacesScenario,
  [rule, ends]: readonly [string, RegExp],
  exchange: Exchange,
): PlacesKnockout => ({ ...{ rule, ends }, scenario: { ...scenario, exchange } });

/** Its effects, but for some. */
const unless =
  (is: (effect: ExchangeEffect, event: ExchangeEvent) => boolean): Exchange =>
  (exchange, held, event) => {
    const step = stepExchange(exchange, held, event);
    return { ...step, effects: step.effects.filter((effect) => !is(effect, event)) };
  };

/** What was brought, otherwise. */
const broughtAs =
  (other: (inbox: PeerState["inbox"]) => PeerState["inbox"]): Step =>
  (state, event, context) =>
    event.kind === "brought"
      ? stepPeer(state, { ...event, peer: { ...event.peer, inbox: other(event.peer.inbox) } }, context)
      : stepPeer(state, event, context);

const { moves, upward, skewed, lossy, cut, slow } = placesScenarios;

export const placesKnockouts: readonly PlacesKnockout[] = [
  withStep(moves, ["whoever hands a peer over keeps nothing of it", /^\((b|f)\)/], (state, event, context) =>
    event.kind === "moved" && state ? { state, effects: [] } : stepPeer(state, event, context),
  ),
  withStep(moves, ["who waits for a message that moves is told so", /^\((a|f)\)/], (state, event, context) => {
    const step = stepPeer(state, event, context);
    return event.kind === "moved" ? { ...step, effects: step.effects.filter(({ kind }) => kind !== "answer") } : step;
  }),
  withStep(
    slow,
    ["what was not taken is sent again by its peer", /^\(f\)/],
    broughtAs((inbox) => ({
      ...inbox,
      lastSeq: Math.max(inbox.lastSeq, inbox.heardElsewhereSeq ?? 0),
    })),
  ),
  {
    rule: "what another application may have heard is marked",
    ends: /^\(a\)/,
    scenario: { ...slow, step: broughtAs((inbox) => omit(inbox, "heardElsewhereSeq")) },
  },
  withStep(upward, ["what waits goes with the peer", /^\((a|f)\)/], (state, event, context) =>
    event.kind === "brought"
      ? stepPeer(state, { ...event, peer: { ...event.peer, sessionIds: [] } }, context)
      : stepPeer(state, event, context),
  ),
  withExchange(skewed, ["a hello takes over whatever the clocks say", /^\(f\)/], (exchange, held, event) => {
    const isEarlier =
      event.kind === "claimed" && held !== undefined && event.claim.order.openedAtMs < held.order.openedAtMs;
    return isEarlier
      ? { ...(exchange && { exchange }), effects: [{ kind: "answer", to: event.claim, answer: { kind: "newer" } }] }
      : stepExchange(exchange, held, event);
  }),
  withExchange(
    cut,
    ["of two replicas that have a peer one lets go", /^\((b|f)\)/],
    unless(({ kind }) => kind === "letGo"),
  ),
  withExchange(lossy, ["a claim that nobody answers is over", /^\(f\)/], (exchange, held, event) =>
    event.kind === "answered" && event.answer === undefined && exchange
      ? { exchange, effects: [] }
      : stepExchange(exchange, held, event),
  ),
  { rule: "standing claims are made", ends: /^\(b\)/, scenario: { ...lossy, isSilent: true } },
];
