import type { Cancel, Clock } from "../../time/clock.ts";
import type { PeerKey } from "../core/peer-state.ts";
import type { PeerExchanges } from "./peer-exchanges.ts";
import type { SessionBus } from "./session-bus.ts";

/** Each peer is claimed once in so long, in milliseconds: after a partition one session of it is left. */
const roundMs = 60_000;
const stepMs = 1000;
/** Of a bus that has come back: at once, and not all in one turn. */
const hurry = { peers: 500, stepMs: 20 };

export interface StandingClaimsOptions {
  readonly bus: SessionBus;
  readonly clock: Clock;
  readonly exchanges: Pick<PeerExchanges, "peers" | "size" | "stand">;
}

/** Says again and again which peers are here, so that two replicas that both have one find out. */
export class StandingClaims {
  readonly #options: StandingClaimsOptions;
  readonly #forget: Cancel;
  #left: PeerKey[] = [];
  #isHurried = false;
  #cancel: Cancel;

  constructor(options: StandingClaimsOptions) {
    this.#options = options;
    this.#cancel = options.clock.after(stepMs, () => this.#go());
    this.#forget = options.bus.onReconnected(() => {
      this.#isHurried = true;
      this.#left = [...options.exchanges.peers];
      this.#cancel();
      this.#go();
    });
  }

  close(): void {
    this.#forget();
    this.#cancel();
  }

  #go(): void {
    const { bus, clock, exchanges } = this.#options;
    if (this.#left.length === 0) {
      this.#isHurried = false;
      this.#left = [...exchanges.peers];
    }
    const count = this.#isHurried ? hurry.peers : Math.ceil((exchanges.size * stepMs) / roundMs);
    if (bus.isConnected) for (const peer of this.#left.splice(0, count)) exchanges.stand(peer);
    this.#cancel = clock.after(this.#isHurried ? hurry.stepMs : stepMs, () => this.#go());
  }
}
