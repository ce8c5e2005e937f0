import type { GatewaysRead } from "../keeper/observe.ts";
import type { RotationMetrics } from "../keeper/rotation-metrics.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { ObjectCache } from "../kube/object-cache.ts";
import type { RightOfWay } from "../kube/right-of-way.ts";
import type { Because } from "../ring/lack.ts";
import type { RotationRef } from "../ring/ring.ts";
import type { EventFacts } from "../runtime/events.ts";
import type { RotationMemory } from "./rotation-memory.ts";
import type { StatusLag } from "./status-lag.ts";
import type { Deed } from "./status-report.ts";
import { urgencyOf } from "./urgency.ts";

export interface ReconcilerParts {
  readonly client: KubeClient;
  /** How emergencies go before all others. @default as all others */
  readonly urgent?: UrgentWay;
  /** The JwtKeyRotations as the watch has them. */
  readonly resources: Pick<ObjectCache, "byKey">;
  /** The gateways of a rotation as the watches have them; undefined where they must be read. */
  readonly knownGateways?: (ref: RotationRef) => GatewaysRead | undefined;
  /** How many there are: what is looked at unasked is spread over them. */
  readonly count: () => number;
  readonly metrics: RotationMetrics;
  readonly lag: StatusLag;
  readonly record: (happening: EventFacts) => void;
  /** `namespace/name` of the Lease that is held while it runs. */
  readonly lease?: string;
  /** Hears of every step that was written. */
  readonly onDeed?: (ref: RotationRef, deed: Deed, generation: number | undefined) => void;
}

interface UrgentWay {
  /** Its requests go before others where these are held down to a rate. */
  readonly client: KubeClient;
  /** All others give way while an emergency is looked after. */
  readonly rightOfWay: RightOfWay;
}

/** One rotation whose turn it is. */
export interface Turn {
  readonly resource: KubeObject;
  readonly memory: RotationMemory;
  readonly signal: AbortSignal;
  /** Present: the passes of this rotation are held down to one in so many seconds, and say so. */
  readonly quarrel: Because | undefined;
}

/** By what is asked for, and by what the last pass saw. */
export const hasEmergency = (memory: RotationMemory | undefined, resource: KubeObject | undefined): boolean =>
  memory?.isPending === true || urgencyOf(resource) === "emergency";

/** The client for what comes next in the turn. */
export const clientFor = ({ client, urgent }: ReconcilerParts, { memory, resource }: Turn): KubeClient =>
  urgent && hasEmergency(memory, resource) ? urgent.client : client;

export const monotonicMs = ({ client }: ReconcilerParts): number => client.transport.clock.monotonicMs();

export const wholeNowMs = ({ client }: ReconcilerParts): number => Math.floor(client.transport.clock.nowMs());

export const refOf = ({ metadata: { namespace = "", name } }: KubeObject): RotationRef => ({ namespace, name });
