import { KubeClient } from "../kube/client.ts";
import { Pace, paced, type PaceOptions } from "../kube/pace.ts";
import { RightOfWay, yielding } from "../kube/right-of-way.ts";
import type { Transport } from "../kube/transport.ts";
import { fenced } from "../runtime/fence.ts";
import type { Leadership } from "../runtime/term.ts";
import type { Clock } from "../time/clock.ts";
import type { ReconcilerParts } from "./turn.ts";

export interface ControllerClientsOptions {
  readonly rate?: Pick<PaceOptions, "perSecond" | "burst"> | undefined;
  readonly clock: Clock;
}

/** Who asks the API server, over one transport, and who of them goes first. */
export class ControllerClients {
  /** Of the Lease: held up by nothing. */
  readonly lease: KubeClient;
  /** Of watches: what they tell may be urgent. */
  readonly watching: KubeClient;
  /** Of what can wait. */
  readonly events: KubeClient;
  readonly #transport: Transport;
  readonly #pace: Pace | undefined;
  readonly #rightOfWay: RightOfWay;

  constructor(transport: Transport, { rate, clock }: ControllerClientsOptions) {
    this.#transport = transport;
    this.#pace = rate && new Pace({ ...rate, clock });
    this.#rightOfWay = new RightOfWay(clock);
    const shared = this.#pace ? paced(transport, this.#pace) : transport;
    this.lease = new KubeClient(transport);
    this.watching = new KubeClient(shared);
    this.events = new KubeClient(yielding(shared, this.#rightOfWay));
  }

  /** Of a term. The guard stands behind all that may wait: it is asked when a write is about to be sent. */
  reconciling(leadership: Pick<Leadership, "isHeld">): Required<Pick<ReconcilerParts, "client" | "urgent">> {
    const fence = fenced(this.#transport, leadership);
    const transportFor = (isUrgent: boolean) => (this.#pace ? paced(fence, this.#pace, { isUrgent }) : fence);
    return {
      client: new KubeClient(yielding(transportFor(false), this.#rightOfWay)),
      urgent: { client: new KubeClient(transportFor(true)), rightOfWay: this.#rightOfWay },
    };
  }
}
