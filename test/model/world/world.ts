import type { Kid } from "../../../src/ring/key.ts";
import type { Plan, Policy } from "../../../src/ring/plan.ts";
import type { Ring } from "../../../src/ring/ring.ts";

/** One tick of the model's clock. Everything that the policy says is a whole number of ticks. */
export const tickMs = 60_000;
/** Tick 0 is nine o'clock, so that a story reads well. */
const startMs = Date.UTC(2026, 10, 21, 9);
export const msAt = (tick: number): number => startMs + tick * tickMs;

/** One of the three objects. The signer projection holds the signer's private half if the ring says that it can sign. */
export interface StoredObject {
  /** Changes with every write; never used twice. */
  readonly version: number;
  readonly ring: Ring;
}

export interface Objects {
  readonly ring?: StoredObject;
  readonly signer?: StoredObject;
  readonly open?: StoredObject;
}

/** Objects of old, and what the gateways said then, by name. */
interface Backup extends Objects {
  readonly acks: Readonly<Record<string, StoredAck | undefined>>;
}

/** What stands in the KeyRingAck of a gateway; without a ring it is generation 0. */
export interface StoredAck {
  readonly ring?: Ring;
  readonly signs?: Kid;
}

/** A gateway as the API server shows it. */
export interface Sighting {
  readonly name: string;
  readonly ready: boolean;
  readonly ack?: StoredAck;
}

/** What a pass has read so far; the policy comes first. */
export interface Reads {
  readonly policy: Policy;
  readonly requests: readonly string[];
  readonly recovery: boolean;
  readonly gateways?: readonly Sighting[];
  /** The projections, and the ring at last. */
  readonly objects?: Objects;
  /** `early`: the objects have the ring already; `last`: it is read when all else has been. @default "last" */
  readonly ring?: "early" | "last";
}

/** What a pass that wrote hands on to the one that follows it at once. */
export type Turn = Pick<Reads, "policy" | "requests" | "recovery" | "gateways">;

/** A pass of a controller, held between two of its effects. */
export type Controller =
  | { readonly phase: "idle" }
  /** One of the two first reads is done, or both. */
  | (Reads & { readonly phase: "reading" })
  | {
      readonly phase: "planned";
      readonly plan: Plan;
      readonly base: Ring | undefined;
      readonly next: Ring;
      readonly read: Objects;
      readonly policy: Policy;
      readonly turn?: Turn;
    }
  | {
      readonly phase: "ringWritten" | "publicWritten";
      readonly ring: Ring;
      /** As it was read; in a turn, as it was left behind. */
      readonly read: Objects;
      readonly turn?: Turn;
    };

export interface Gateway {
  readonly name: string;
  /** Its clock against the controller's, in ticks. */
  readonly clock: number;
  readonly reads: "signer" | "open";
  /** It has no right to read the API's object: it knows its mount alone, and can't confirm what it signs with. */
  readonly mountOnly: boolean;
  /** Its pod object stands in the API: it is expected. */
  readonly expected: boolean;
  /** `gone`: no process; `down`: the container starts anew; then the four steps of section 7. */
  readonly phase: "gone" | "down" | "zeroed" | "loaded" | "acked" | "ready";
  readonly ring?: Ring;
  /** The key that it signs with. */
  readonly half?: Kid;
  readonly ack?: StoredAck;
  /** What the emptyDir keeps: it survives the container, not the pod. */
  readonly floor?: Ring;
  /** Tick (of the controller's clock) of its last word from the API server that `half` signs; kept with the floor. */
  readonly confirmedTick?: number;
  /** What the kubelet shows, where it counts. */
  readonly mount?: Ring;
  /** Ready without the API. */
  readonly degraded?: boolean;
  /** Since when the mount is not the newest. */
  readonly mountStaleTick?: number;
  /** Revoked kids of every ring that it ever had. */
  readonly refuses: readonly Kid[];
}

/** A kid, and the tick of an event that belongs to it. */
export interface Until {
  readonly kid: Kid;
  readonly tick: number;
}

/** A key that the application may still use, and how long the tokens live that it makes. */
export interface AppKey extends Until {
  readonly ttl: number;
}

/** The longest token of a key that is about: who made it when is for the story only. */
export interface Token extends Until {
  readonly by: string;
  readonly mintedTick: number;
}

/** A key that signs before everybody knows it, as the design allows in an emergency; rings before that one may lack it. */
interface Early {
  readonly kid: Kid;
  readonly sinceGeneration: number;
}

/** How often each adversity may still happen. */
export interface Budgets {
  readonly requests: number;
  readonly crashes: number;
  /** How often a whole pass may be stopped in the middle, to go on later. */
  readonly pauses: number;
  readonly restarts: number;
  readonly deletions: number;
  readonly arrivals: number;
  readonly edits: number;
  readonly disasters: number;
  readonly backups: number;
}

export interface World {
  readonly tick: number;
  /** False: the controllers' clock is wrong and known to be; instants come from the API server then. */
  readonly clockTrusted: boolean;
  readonly made: number;
  readonly versions: number;
  readonly objects: Objects;
  readonly policy: Policy;
  readonly requests: readonly string[];
  readonly recovery: boolean;
  readonly controllers: readonly Controller[];
  readonly gateways: readonly Gateway[];
  /** By kid, only the one that ends last: what refuses another refuses it too. */
  readonly tokens: readonly Token[];
  /** Tokens that were made while a key was early. */
  readonly earlyTokens: readonly Token[];
  readonly early: readonly Early[];
  /** Those that were early once: their early tokens are still about. */
  readonly wereEarly: readonly Early[];
  /** By kid in the ring: until when some third-party cache may hold a JWKS without it. */
  readonly missing: readonly Until[];
  /** Until when some third-party cache may hold any JWKS that was served so far. */
  readonly copiesTick: number;
  /** The keys that an application that signs by itself may still use, each with the last tick of that. */
  readonly appSigns: readonly AppKey[];
  readonly backup?: Backup;
  /** A person has put older projections in place: who reads them meanwhile is that person's affair. */
  readonly servesOld: boolean;
  readonly revokedEver: readonly Kid[];
  /** Keys that a person took out of all three objects, or brought back: their tokens are not our promise any more. */
  readonly destroyed: readonly Kid[];
  readonly left: Budgets;
  /** What went wrong in the move that led here. */
  readonly breach?: string;
}

/** A move of the world and the line that a story has for it. */
export interface Move {
  readonly say: () => string;
  readonly to: World;
}
