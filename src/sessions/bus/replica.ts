import type { SessionMessage } from "../core/outbox.ts";
import type { PeerKey, SendOutcome } from "../core/peer-state.ts";
import { packedWord, topicOf } from "./bus-words.ts";
import { PeerExchanges, type PeerExchangesOptions, type WaitingHello } from "./peer-exchanges.ts";
import { RemoteSends } from "./remote-sends.ts";
import { StandingClaims } from "./standing-claims.ts";

/** One of several replicas: what its sessions have to do with those of the others. */
export class Replica {
  readonly #options: PeerExchangesOptions;
  readonly #exchanges: PeerExchanges;
  readonly #sends: RemoteSends;
  readonly #standing: StandingClaims;

  constructor(options: PeerExchangesOptions) {
    const { bus, clock, desk } = options;
    this.#options = options;
    const exchanges = new PeerExchanges(options);
    this.#exchanges = exchanges;
    this.#sends = new RemoteSends({
      ...{ bus, clock },
      sendHere: (peer, message) => (desk.held(peer) === undefined ? undefined : desk.send(peer, message)),
      isComing: (peer) => exchanges.isClaiming(peer),
    });
    this.#standing = new StandingClaims({ bus, clock, exchanges });
  }

  /** Something of the peer is kept here from now on, or nothing any more. */
  noted(peer: PeerKey, isKnown: boolean): void {
    this.#exchanges.noted(peer, isKnown);
  }

  /** Whoever has the peer lets go of it first, where nothing is kept of it here. */
  hello(peer: PeerKey, hello: WaitingHello): void {
    const { clock, desk } = this.#options;
    if (desk.held(peer) === undefined) {
      this.#exchanges.hello(peer, hello, clock.nowMs());
      return;
    }
    this.#exchanges.returned(peer);
    hello.admit();
  }

  taken(peer: PeerKey): void {
    this.#exchanges.taken(peer);
  }

  /** For a peer of whom nothing is kept here. */
  send(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome> {
    return this.#sends.send(peer, message);
  }

  /** Whoever has the peer forgets it. */
  remove(peer: PeerKey): void {
    const forget = this.#options.bus.ask(topicOf(peer), packedWord({ kind: "remove" }), () => undefined);
    forget();
  }

  close(): void {
    this.#standing.close();
    this.#sends.close();
    this.#exchanges.close();
  }
}
