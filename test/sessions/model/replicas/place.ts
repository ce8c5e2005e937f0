import type { ClaimAnswer, ClaimOrder, PeerClaim, stepExchange } from "../../../../src/sessions/core/peer-exchange.ts";
import type { PeerExchange } from "../../../../src/sessions/core/peer-exchange.ts";
import type { PeerState } from "../../../../src/sessions/core/peer-state.ts";
import type { stepPeer } from "../../../../src/sessions/core/step-peer.ts";
import type { Scenario, World } from "../world.ts";

/** Two replicas, each with an application, and a bus between them. */
export interface PlacesScenario {
  readonly name: string;
  readonly about: string;
  readonly budget: Partial<PlacesBudget>;
  /** Added to what the clock of the second one says. */
  readonly skewMs?: number;
  /** With a rule taken out. @default those that ship */
  readonly step?: typeof stepPeer;
  readonly exchange?: typeof stepExchange;
  /** Nobody stands. */
  readonly isSilent?: true;
  /** It begins with a client that nobody knows. */
  readonly isNew?: true;
}

export interface PlacesBudget {
  readonly connects: number;
  /** Connections that break. */
  readonly losses: number;
  /** Messages to the client, of either application. */
  readonly down: number;
  readonly up: number;
  /** Words of the bus that get lost. */
  readonly drops: number;
  /** Whoever waits for another replica, or for its application, waits no longer. */
  readonly timeouts: number;
  /** Partitions of the bus. */
  readonly cuts: number;
  /** Standing claims that come by the clock. */
  readonly stands: number;
}

export type At = 0 | 1;
export const both: readonly At[] = [0, 1];
export const otherOf = (at: At): At => (at === 0 ? 1 : 0);

/** One replica. */
export interface Place {
  readonly peer?: PeerState;
  readonly exchange?: PeerExchange;
  /** The connection whose hello waits. */
  readonly hello?: string;
  /** Messages of the other one's application, that wait for an answer here. */
  readonly owed: readonly string[];
  /** Messages of its own application that it asks the other one for. */
  readonly asks: readonly string[];
}

export type BusWord =
  | { readonly kind: "claim"; readonly claim: PeerClaim }
  | { readonly kind: "answer"; readonly order: ClaimOrder; readonly answer?: ClaimAnswer }
  | { readonly kind: "overruled"; readonly order: ClaimOrder }
  | { readonly kind: "send"; readonly id: string }
  | { readonly kind: "outcome"; readonly id: string; readonly outcome: string };

export interface Places {
  /** The client, its connections, and both applications as one; its `peer` is that of neither. */
  readonly world: World;
  readonly places: readonly [Place, Place];
  /** Of each connection. */
  readonly sides: Readonly<Record<string, At>>;
  /** To each replica, in their order: those of the other one, and of the server. */
  readonly words: readonly [readonly BusWord[], readonly BusWord[]];
  /** Of each message that waits to be taken. */
  readonly heardAt: readonly At[];
  /** By which application each was sent. */
  readonly sentAt: Readonly<Record<string, At>>;
  readonly isCut: boolean;
  /** Something was lost: then order is no longer promised. */
  readonly isHarmed: boolean;
  readonly left: PlacesBudget;
}

export const idOf = (at: At): string => `replica-${at}`;
export const atOf = ({ replicaId }: ClaimOrder): At => (replicaId === idOf(0) ? 0 : 1);

export const plain = ({ name, about }: PlacesScenario): Scenario => ({ name, about, budget: {} });

export const withPlace = (all: Places, at: At, place: Place): Places => ({
  ...all,
  places: at === 0 ? [place, all.places[1]] : [all.places[0], place],
});

/** Whoever is cut off hears nothing, and knows it: what he asks is answered at once by nobody. */
export function toldOnBus(all: Places, to: At, word: BusWord): Places {
  if (all.isCut) return all;
  return {
    ...all,
    words: to === 0 ? [[...all.words[0], word], all.words[1]] : [all.words[0], [...all.words[1], word]],
  };
}
