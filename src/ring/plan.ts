import type { WriteId } from "./lineage.ts";
import type { Ack, GatewayView } from "./ack.ts";
import type { ProjectionName } from "./codec/wire.ts";
import type { Algorithm, Kid, Profile } from "./key.ts";
import type { Ring, RotationRef, RingSettings } from "./ring.ts";

export type Schedule =
  | { readonly kind: "interval"; readonly everyMs: number }
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "onRequest" };

/** What the planner obeys: a checked spec with every default filled in. Durations are whole seconds, in milliseconds. */
export interface Policy {
  /** What new keys promise. */
  readonly profile: Profile;
  /** For RS* and PS* only: 2048 to 4096. */
  readonly modulusBits?: number;
  readonly schedule: Schedule;
  /** Between published and active; 0 or more. */
  readonly propagationMs: number;
  readonly acknowledgements: "Required" | "Ignored";
  readonly clockSkewMs: number;
  /** At least `maxTTL + 2 × clockSkew`. */
  readonly rotationWindowMs: number;
  /** At most the rotation window. */
  readonly rollbackWindowMs: number;
  readonly pinnedKid?: Kid;
  readonly revokedKids: readonly { readonly kid: Kid; readonly reason?: string }[];
  readonly revokeCreatedBeforeMs?: number;
  /** The longest life of a token that an adopted key signed before. */
  readonly adoptionMaxTTLMs: number;
  /** What an RSA key without `alg` was for. @default the profile's own, when it is one of RSA, else RS256 */
  readonly adoptionAlgorithm?: Algorithm;
  readonly suspend: boolean;
}

/** Why something that was written down is not in force. */
export interface Refusal {
  /** Stable, UpperCamelCase: `InvalidSpec`, `ConfigUnreadable`. */
  readonly reason: string;
  /** One line for people. */
  readonly message: string;
  /** No settings are known that could be in force instead: until it is mended emergencies alone are carried out. */
  readonly holds: boolean;
}

/** A key that exists already and is to be taken over under its old kid. */
export interface AdoptableKey {
  readonly kid: Kid;
  /** Absent where it is the kid. */
  readonly thumbprint?: Kid;
  readonly algorithm: Algorithm;
  readonly modulusBits?: number;
  readonly createdAtMs: number;
  /** The key could serve several algorithms, and does not say which: the spec does. */
  readonly isPresumed?: true;
  /** Keyturn made it: it is found again by a recovery, under its thumbprint. */
  readonly isOwn?: true;
}

/** A projection as read live: its generation, and the kids that stand in it. */
export interface Projection {
  readonly generation: number;
  readonly kids: readonly Kid[];
}

/** A projection's place that is somebody else's: it is never written, and holds everything but revocation. */
export interface Conflict {
  readonly object: ProjectionName;
  /** Why it is not ours. Never quotes the content. */
  readonly problem: string;
}

/** What was found of the three objects; unreadable and rolled-back ones never reach the planner, nor does a foreign ring. */
export type Stored =
  /** `generationFloor`: the highest generation ever seen for this rotation, 0 if none. */
  | {
      readonly kind: "nothing";
      readonly generationFloor: number;
      /** Keys that a person brings along to a recovery, to be verified for a window. */
      readonly alsoVerify?: readonly AdoptableKey[];
    }
  | {
      readonly kind: "adoptable";
      readonly generationFloor: number;
      readonly signer: AdoptableKey;
      readonly verifyOnly: readonly AdoptableKey[];
    }
  /** The ring object is gone, or older than what is left; `remains` is the newest copy of the facts. */
  | {
      readonly kind: "lost";
      readonly generationFloor: number;
      /** Generation of the ring object that the write replaces, 0 if it is gone. */
      readonly baseGeneration: number;
      readonly remains: Ring;
      /** Kids whose private half was found anywhere. */
      readonly halves: readonly Kid[];
      readonly why: "ringLost" | "recoveryRequested";
      readonly alsoVerify: readonly AdoptableKey[];
    }
  | {
      readonly kind: "ring";
      readonly ring: Ring;
      readonly projections: { readonly signer?: Projection; readonly public?: Projection };
      readonly conflicts?: readonly Conflict[];
    };

export interface PlanInput {
  readonly rotation: RotationRef;
  readonly policy: Policy;
  /** What was written down, and is not in force. */
  readonly refused?: Refusal;
  readonly stored: Stored;
  /** The current value of each origin, with the origin as prefix: `spec:2026-11-21`. */
  readonly requests: readonly string[];
  /** Those of them that stood there when the resource was made: they count as seen, though the ring be older. @default none */
  readonly firstRequests?: readonly string[];
  readonly gateways: readonly GatewayView[];
  /** False holds everything but revocation. */
  readonly clockTrusted: boolean;
  /** Taken after everything above was read. No later than the clock of whoever wrote the facts would say. */
  readonly nowMs: number;
  /**
   * What a wait that begins now counts from: no earlier than any clock that will look at it may say now, so that two clocks, or
   * one that was set, never cut it short. A wait of 0 counts from nothing. @default nowMs
   */
  readonly waitsFromMs?: number;
}

/** Why a key becomes the signer. */
export type Why = "schedule" | "request" | "profile" | "pin" | "signerLost" | "signerRevoked";

interface FreshKey {
  readonly profile: Profile;
  readonly modulusBits?: number;
  readonly waitMs: number;
}

/** A change of the ring, as data. Everything it needs stands in it, so applying needs no spec. */
export type Step =
  | (FreshKey & {
      readonly type: "begin";
      readonly rotation: RotationRef;
      readonly settings: RingSettings;
      readonly alsoVerify?: { readonly keys: readonly AdoptableKey[]; readonly profile: Profile };
      readonly handledRequests: readonly string[];
    })
  | {
      readonly type: "adopt";
      readonly rotation: RotationRef;
      readonly settings: RingSettings;
      /** Issuer, audiences and maxTTL; the algorithm is the key's own. */
      readonly profile: Profile;
      readonly waitMs: number;
      readonly signer: AdoptableKey;
      readonly verifyOnly: readonly AdoptableKey[];
      readonly handledRequests: readonly string[];
    }
  | {
      readonly type: "rebuild";
      readonly remains: Ring;
      readonly halves: readonly Kid[];
      readonly why: "ringLost" | "recoveryRequested";
      readonly alsoVerify: readonly AdoptableKey[];
      readonly profile: Profile;
      readonly waitMs: number;
    }
  /** A new standby. */
  | (FreshKey & { readonly type: "create"; readonly as: "prepared" })
  /** An emergency: a new key signs at once. */
  | (FreshKey & {
      readonly type: "create";
      readonly as: "active";
      readonly why: Why;
      readonly handledRequests: readonly string[];
    })
  | { readonly type: "configure"; readonly settings: RingSettings; readonly waitMs: number }
  | {
      readonly type: "activate";
      readonly kid: Kid;
      readonly why: Why;
      /** It signs before its propagation wait ended; people are told by an event. */
      readonly early: boolean;
      readonly handledRequests: readonly string[];
    }
  | { readonly type: "revoke"; readonly kid: Kid; readonly reason?: string; readonly evicts?: Kid }
  /** Requests that rotate nothing. */
  | { readonly type: "seeRequests"; readonly handledRequests: readonly string[] }
  | { readonly type: "revokeBefore"; readonly requestedMs: number; readonly effectiveMs: number }
  | {
      readonly type: "publish" | "unpublish" | "quiesce" | "forget" | "prune" | "discard";
      readonly kid: Kid;
    };

/** One thing that a gated step waits for. */
export type Blocker =
  | {
      readonly kind: "time";
      readonly untilMs: number;
      readonly of: "schedule" | "propagation" | "rotationWindow" | "rollbackWindow";
    }
  | ({ readonly kind: "gateway"; readonly name: string; readonly ack?: Ack } & Pick<
      GatewayView,
      "runningSinceMs" | "restartedAtMs"
    >)
  /** The projections don't show it yet: the next write brings them up to date. */
  | { readonly kind: "projections" }
  | { readonly kind: "standby" }
  | { readonly kind: "pinned" }
  | { readonly kind: "pinUnknown"; readonly kid: Kid }
  | { readonly kind: "pinCannotSign"; readonly kid: Kid }
  | { readonly kind: "adoption" }
  | { readonly kind: "keyLimit" }
  | { readonly kind: "suspended" }
  | { readonly kind: "refused" }
  | { readonly kind: "clock" }
  | { readonly kind: "conflict"; readonly object: Conflict["object"] };

/** A step that does not happen yet, and why. */
export interface Gate {
  readonly step: Step["type"];
  readonly kid?: Kid;
  readonly why?: Why;
  readonly waitsFor: readonly Blocker[];
  /** For a barrier: when the waiting began. */
  readonly sinceMs?: number;
}

export interface Plan {
  /** The generation of the ring object that this plan was made for; 0 when there was none. */
  readonly baseGeneration: number;
  /** What the write gets. */
  readonly nextGeneration: number;
  /** Names the write; the shell that carries the plan out gives it. */
  readonly writeId?: WriteId;
  readonly nowMs: number;
  /** What `publishedAt` and `quiescedAt` become. @default nowMs */
  readonly waitsFromMs?: number;
  /** Empty when nothing is due. All go into one write. */
  readonly steps: readonly Step[];
  readonly gates: readonly Gate[];
  /** When to look again at the latest; never more than a day away. */
  readonly nextCheckAtMs: number;
}
