import type { Kid } from "./key.ts";
import type { WriteId } from "./lineage.ts";

/**
 * What a gateway says of the ring that it has in memory. Generation 0 is a promise: it takes no traffic before it has read the
 * newest ring, acknowledged it, and read once more.
 */
export interface Ack {
  readonly generation: number;
  /** Which write of that generation it is; absent when that is not known. */
  readonly writeId?: WriteId;
  readonly verifies: readonly Kid[];
  /** The kid that it signs with; absent when it can't mint. */
  readonly signs?: Kid;
  /** Where this gateway looks for it the API server shows no ring, or an older one: whoever keeps the object is to look. */
  readonly sourceUnfit?: true;
}

/** An expected gateway: running, with what it last said. Read live just before a gated write. */
export interface GatewayView {
  readonly name: string;
  /** Gets traffic. */
  readonly ready: boolean;
  readonly ack?: Ack;
  /** Since when its pod runs, if that is known: its patience begins then, however often its container starts anew. */
  readonly runningSinceMs?: number;
  /** Since when its container runs, if that is known. */
  readonly restartedAtMs?: number;
}

/**
 * It answers nobody, and has promised to know the newest ring before it does. Whoever has said nothing may answer soon, from
 * a mount that is old; whoever is ready answers now: both count.
 */
export const hasPromised = ({ ready, ack }: GatewayView): boolean => !ready && ack?.generation === 0;
