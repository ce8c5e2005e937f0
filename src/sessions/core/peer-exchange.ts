import type { MovedPeer } from "./peer-state.ts";

/** When the newest session of a peer was opened, and where. */
export interface ClaimOrder {
  /** Unix milliseconds, of that replica's clock. */
  readonly openedAtMs: number;
  readonly replicaId: string;
}

/** Of two the later has the peer: for everybody the same one, whatever the clocks say. */
const isLater = (one: ClaimOrder, other: ClaimOrder): boolean =>
  one.openedAtMs === other.openedAtMs ? one.replicaId > other.replicaId : one.openedAtMs > other.openedAtMs;

/** A replica says to the others that a peer is its own. */
export interface PeerClaim {
  /** Its answer goes there. */
  readonly id: string;
  /** `hello`: the peer is there, and waits for what others have of it. `standing`: it has been there; whoever is later says so. */
  readonly kind: "hello" | "standing";
  readonly order: ClaimOrder;
}

/** `yours`: with what was kept, if it was anything. `newer`: the peer has been here since. */
export type ClaimAnswer = { readonly kind: "yours"; readonly peer?: MovedPeer } | { readonly kind: "newer" };

/** What a replica has under way with others about one peer. */
export type PeerExchange =
  /** A hello waits here for what others have; or what comes goes on to a later one. */
  | { readonly kind: "claiming"; readonly order: ClaimOrder; readonly passesTo?: PeerClaim }
  /** The session here is over; what is kept stays until the application has taken what it has heard. */
  | { readonly kind: "leaving"; readonly to: PeerClaim };

export type ExchangeEvent =
  /** A peer says hello of which nothing is kept here. */
  | { readonly kind: "hello"; readonly order: ClaimOrder }
  | { readonly kind: "claimed"; readonly claim: PeerClaim }
  /** To the own claim; without an answer: nobody has the peer, or nobody has said so in time. */
  | { readonly kind: "answered"; readonly answer?: ClaimAnswer }
  /** Nothing is left to be taken, or there was time enough. */
  | { readonly kind: "settled" }
  /** The peer says hello here, where it is kept. */
  | { readonly kind: "returned" }
  /** Another has said that a standing claim of this order is not the latest. */
  | { readonly kind: "overruled"; readonly order: ClaimOrder };

/** What is to be done, in this order. */
export type ExchangeEffect =
  | { readonly kind: "claim"; readonly order: ClaimOrder }
  | { readonly kind: "answer"; readonly to: PeerClaim; readonly answer: ClaimAnswer }
  /** The hello that waits is gone on with. */
  | { readonly kind: "admit"; readonly peer?: MovedPeer }
  /** The hello that waits is too late. */
  | { readonly kind: "refuse" }
  /** The session here ends as superseded. */
  | { readonly kind: "supersede" }
  /** All that is kept of the peer goes there. */
  | { readonly kind: "handOver"; readonly to: PeerClaim }
  /** The peer is another's, who has all that it needs. */
  | { readonly kind: "letGo" };

/** What is kept of the peer here. */
export interface HeldPeer {
  readonly order: ClaimOrder;
  /** The application has taken all that it has heard. */
  readonly isTaken: boolean;
}

interface ExchangeStep {
  /** Absent: nothing is under way any more. */
  readonly exchange?: PeerExchange;
  readonly effects: readonly ExchangeEffect[];
}

/**
 * One peer at one replica, and what the others say of it. Pure. Without an exchange and without a peer here nothing is listened to.
 *
 * ```
 *   not here ──hello──▶ claiming ──answered──▶ here ──claimed──▶ leaving ──settled──▶ not here
 *                          └── claimed by a later hello: what comes goes on to that one
 * ```
 */
export function stepExchange(
  exchange: PeerExchange | undefined,
  held: HeldPeer | undefined,
  event: ExchangeEvent,
): ExchangeStep {
  switch (event.kind) {
    case "hello":
      return saidHello(exchange, event.order);
    case "claimed":
      if (exchange?.kind === "claiming") return claimedWhileClaiming(exchange, event.claim);
      return held === undefined ? unchanged(exchange) : claimedHere(exchange, held, event.claim);
    case "answered":
      return exchange?.kind === "claiming" ? answered(exchange, event.answer) : unchanged(exchange);
    case "settled":
      return exchange?.kind === "leaving" ? { effects: [{ kind: "handOver", to: exchange.to }] } : unchanged(exchange);
    case "returned":
      return exchange?.kind === "leaving" ? { effects: [tooLate(exchange.to)] } : unchanged(exchange);
    case "overruled":
      return held === undefined || exchange !== undefined || isLater(held.order, event.order)
        ? unchanged(exchange)
        : { effects: [{ kind: "letGo" }] };
    default:
      return event satisfies never;
  }
}

const unchanged = (exchange: PeerExchange | undefined): ExchangeStep => ({
  ...(exchange && { exchange }),
  effects: [],
});

const tooLate = (to: PeerClaim): ExchangeEffect => ({ kind: "answer", to, answer: { kind: "newer" } });

/** Two at one replica share a claim. One that comes while another replica's is later has to come again. */
function saidHello(exchange: PeerExchange | undefined, order: ClaimOrder): ExchangeStep {
  if (exchange?.kind === "claiming") return { exchange, effects: exchange.passesTo ? [{ kind: "refuse" }] : [] };
  const forgotten = exchange ? [tooLate(exchange.to)] : [];
  return { exchange: { kind: "claiming", order }, effects: [...forgotten, { kind: "claim", order }] };
}

/** Two hellos of one peer at once: whoever is earlier gives up, and passes on what it is told. */
function claimedWhileClaiming(exchange: Extract<PeerExchange, { kind: "claiming" }>, claim: PeerClaim): ExchangeStep {
  const { order, passesTo } = exchange;
  // It will hear of this one's claim, or come again
  if (claim.kind === "standing") return unchanged(exchange);
  if (!isLater(claim.order, passesTo?.order ?? order)) return { exchange, effects: [tooLate(claim)] };
  return {
    exchange: { ...exchange, passesTo: claim },
    effects: [passesTo ? tooLate(passesTo) : { kind: "refuse" }],
  };
}

/** A hello is later than all that it finds: there the clocks have no say. */
function claimedHere(exchange: PeerExchange | undefined, held: HeldPeer, claim: PeerClaim): ExchangeStep {
  if (exchange?.kind === "leaving") {
    if (claim.kind === "standing") return unchanged(exchange);
    return isLater(claim.order, exchange.to.order)
      ? { exchange: { kind: "leaving", to: claim }, effects: [tooLate(exchange.to)] }
      : { exchange, effects: [tooLate(claim)] };
  }
  if (claim.kind === "standing")
    return { effects: [isLater(claim.order, held.order) ? { kind: "letGo" } : tooLate(claim)] };
  if (held.isTaken) return { effects: [{ kind: "supersede" }, { kind: "handOver", to: claim }] };
  return { exchange: { kind: "leaving", to: claim }, effects: [{ kind: "supersede" }] };
}

/** A `newer` one alone is no end: what is kept elsewhere may still come, and goes on to whom it belongs. */
function answered(
  exchange: Extract<PeerExchange, { kind: "claiming" }>,
  answer: ClaimAnswer | undefined,
): ExchangeStep {
  const { passesTo } = exchange;
  if (answer?.kind === "newer") return passesTo ? { exchange, effects: [] } : { effects: [{ kind: "refuse" }] };
  const peer = answer?.peer;
  if (passesTo)
    return { effects: [{ kind: "answer", to: passesTo, answer: { kind: "yours", ...(peer && { peer }) } }] };
  return { effects: [{ kind: "admit", ...(peer && { peer }) }] };
}
