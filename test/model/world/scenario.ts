import type { Plan, Policy } from "../../../src/ring/plan.ts";
import type { rotationRules } from "../../../src/ring/planner.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import type { Budgets, World } from "./world.ts";

/** Something that a person does, or that befalls the cluster. Undefined when it makes no sense in this world. */
export interface Deed {
  readonly name: string;
  readonly apply: (world: World) => World | undefined;
}

export interface GatewayDefinition {
  readonly name: string;
  /** Ticks ahead (or behind, negative) of the controller's clock. @default 0 */
  readonly clock?: number;
  /** A gateway of the public ConfigMap verifies and never mints. @default "signer" */
  readonly reads?: "signer" | "open";
  /** It may not read the API's object. @default false */
  readonly mountOnly?: boolean;
  /** It does not exist at first; `arrivals` brings it in. @default false */
  readonly later?: boolean;
}

/** The rules that gateways, controllers and people keep; a knock-out lifts one. */
export interface Knobs {
  /** No token outlives the gateway's last word that the key signs. */
  readonly mintFence: boolean;
  /** The fence leaves room for two clocks that are wrong in both directions. */
  readonly fenceSkew: boolean;
  /** A restarted container never serves below what it served before. */
  readonly floor: boolean;
  /** A starting container takes its old ack back. */
  readonly generationZero: boolean;
  /** A starting container reads the API, not its mount. */
  readonly uncachedStart: boolean;
  /** Ready only if the ring is still the acknowledged one. */
  readonly secondRead: boolean;
  /** A pass reads the projections before it asks the gateways. */
  readonly projectionsFirst: boolean;
  /** A pass that goes on from what it has written asks the gateways anew. */
  readonly asksAfterWriting: boolean;
  /** The ring is written only over the version that was read. */
  readonly swapRing: boolean;
  /** So are the projections. */
  readonly swapProjections: boolean;
  /** Nothing is written over a higher generation. */
  readonly neverOverHigher: boolean;
  /** Gateways take over no ring that does not come from theirs. */
  readonly oneLine: boolean;
  /** An ack says of which line its ring is. */
  readonly acksNameWrites: boolean;
  /** Gateways never take over a smaller generation. */
  readonly neverBackwards: boolean;
  /** A gateway that wrote generation 0 takes no traffic before its second read, whether the API answers or not. */
  readonly keepsPromise: boolean;
  /** A gateway that can't reach the API forbids caching its JWKS. */
  readonly degradedUncached: boolean;
  /** Revoked kids of every ring ever seen are refused. */
  readonly revokedUnion: boolean;
}

export const everyKnob: Knobs = {
  mintFence: true,
  fenceSkew: true,
  floor: true,
  generationZero: true,
  uncachedStart: true,
  secondRead: true,
  projectionsFirst: true,
  asksAfterWriting: true,
  swapRing: true,
  swapProjections: true,
  neverOverHigher: true,
  oneLine: true,
  acksNameWrites: true,
  neverBackwards: true,
  keepsPromise: true,
  degradedUncached: true,
  revokedUnion: true,
};

/** A small world that is searched to the end. */
export interface Scenario {
  readonly name: string;
  /** One line: what it is about. */
  readonly about: string;
  readonly policy: Policy;
  readonly gateways: readonly GatewayDefinition[];
  readonly budgets: Partial<Budgets>;
  /** @default 1 */
  readonly controllers?: number;
  /** `effects`: a pass may stop between any two of its effects. @default "atomic" */
  readonly passes?: "atomic" | "effects";
  /**
   * `answers`: a pass reads the ring before the gateways, and goes on at once from what it has written, as controllers do;
   * `all`: each pass reads everything, the ring last, as standalone does. @default "all"
   */
  readonly readings?: "all" | "answers";
  /** `steps`: section 7's four steps of a start, one by one; `atomic`: all at once. @default "atomic" */
  readonly starts?: "atomic" | "steps";
  /** `later`: a gateway may serve what it has not acknowledged yet. @default "atomic" */
  readonly acks?: "atomic" | "later";
  /** A minter may verify with a newer ring than it signs with. @default false */
  readonly halvesLag?: boolean;
  /** Gateways may turn ready from a mount that lags, without the API. @default false */
  readonly degraded?: boolean;
  /** A mount is newer than this many ticks; absent: it may be as old as it likes. */
  readonly mountLag?: number;
  /** A new pod may be given the copy that the kubelet has for another one, as old as that is. @default false */
  readonly cachedMounts?: boolean;
  /** What is down stays down, however long the rest is fair. @default false */
  readonly crashLoops?: boolean;
  /** An application signs by itself and never acks. @default false */
  readonly app?: boolean;
  /** Third parties cache the JWKS for its max-age. @default false */
  readonly caches?: boolean;
  readonly edits?: readonly Deed[];
  readonly disasters?: readonly Deed[];
  /**
   * `settled`: a ring with a published standby that everybody has; `restored`: etcd went back by two rotations, with what the
   * gateways said, and they have not noticed yet. @default "settled"
   */
  readonly start?: "settled" | "nothing" | "restored";
  /** One state in so many is also asked whether it comes to rest when the faults stop; 0: none. @default 8 */
  readonly livenessEvery?: number;
  /** Deeper moves are not searched; absent: to the end. */
  readonly maxDepth?: number;
  /** The longest that edits make of them, in ticks. @default what the policy says */
  readonly longest?: { readonly wait?: number; readonly window?: number; readonly lookback?: number };
  readonly maxTick?: number;
  /** What is larger in a deep search. */
  readonly deep?: Partial<Scenario>;
  readonly knobs?: Knobs;
  /** Writes are judged by what becomes of tokens alone: for knock-outs whose harm is to be seen. @default false */
  readonly tokensOnly?: boolean;
  readonly rules?: typeof rotationRules;
  /** Changes what a plan made of a ring: for knock-outs. */
  readonly afterApply?: (before: Ring | undefined, plan: Plan, after: Ring) => Ring;
}

export const knobsOf = (scenario: Scenario): Knobs => scenario.knobs ?? everyKnob;
