import type { Kid } from "./key.ts";

/** What a gateway says of the ring that it has in memory. Generation 0 means "starting" and confirms nothing. */
export interface Ack {
  readonly generation: number;
  readonly verifies: readonly Kid[];
  /** The kid that it signs with; absent when it can't mint. */
  readonly signs?: Kid;
}

/** An expected gateway: running, with what it last said. Read live just before a gated write. */
export interface GatewayView {
  readonly name: string;
  /** Gets traffic. A gateway that is not, and never acked more than generation 0, does not gate publishing. */
  readonly ready: boolean;
  readonly ack?: Ack;
  /** Since when it runs, if that is known: its patience begins then. */
  readonly runningSinceMs?: number;
}
