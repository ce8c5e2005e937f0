import type { GatewayView } from "../ring/ack.ts";
import type { Observation } from "../ring/decide.ts";
import { claimOfAck, newestRing, type Found } from "../ring/found.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import { inForce, type Told } from "../ring/obey.ts";
import { algorithmOf } from "../ring/resource/rotation.ts";
import type { PinFacts } from "../ring/pin-facts.ts";
import type { Ring } from "../ring/ring.ts";
import type { DocumentRead } from "./document-read.ts";
import { recoveryIn, type RecoveryRequest } from "./recovery.ts";
import type { RingStore, Snapshot } from "./store.ts";

/** What a pass is told by all who have a say: nothing of it is lost because another part can't be used. */
export interface Instructions extends RecoveryRequest {
  readonly told: Told;
  /** Each origin's current request; none hides another's. */
  readonly requests: readonly string[];
  /** As the planner's input has it. */
  readonly firstRequests?: readonly string[];
  /** As the observation has it. */
  readonly pin?: PinFacts;
}

/** Who has to acknowledge, and what they did. */
export interface GatewaysRead {
  readonly gateways: readonly GatewayView[];
  /** Acks that don't count because of what they are, one line each. */
  readonly warnings: readonly string[];
  /** Why not all could be seen; absent when they were. The gateways then include one that stands for the others. */
  readonly unseen?: Error;
}

/** What time it is, and whether the clock may be counted on. */
export interface ClockReading {
  /** False holds everything but revocation. */
  readonly trusted: boolean;
  readonly nowMs: number;
  /** As the planner's input has it. */
  readonly waitsFromMs: number;
  /** By how much the clock was set, forwards positive, where it is not trusted for that. @default 0 */
  readonly jumpMs?: number;
  /** How long the distrust lasts at the most. @default until somebody mends the clock */
  readonly holdMs?: number;
}

/** Where a pass reads. */
export interface Sources<Read extends DocumentRead = DocumentRead> {
  readonly store: RingStore<Read>;
  readonly instructions: Instructions;
  /** Requests for a recovery up to this instant are done with, Unix milliseconds. */
  readonly recoverySeenUpToMs: number;
  readGateways(): Promise<GatewaysRead>;
  /** @param ring - As read in this pass; undefined when there is none, or none that may be used */
  readClock(ring: Ring | undefined): ClockReading;
  /** What remembers, beside gateways, how far the ring had come: a status, a file. */
  claims(ring: Read): Found["claims"];
}

/** One reading of everything. */
export interface Observed<Read extends DocumentRead = DocumentRead> {
  readonly observation: Observation;
  readonly snapshot: Snapshot<Read>;
  readonly clock: ClockReading;
  /** Public halves that a requested recovery brings along. */
  readonly brought: KeyMaterials;
  readonly warnings: readonly string[];
  /** Why the gateways could not all be seen. Then nothing but emergencies is carried out. */
  readonly unseen?: Error;
}

/** Reads everything in the order that the planner relies on: projections, gateways with their acks, ring, clock. */
export async function observe<Read extends DocumentRead>(sources: Sources<Read>): Promise<Observed<Read>> {
  const { store, instructions } = sources;
  const { told, requests, firstRequests, pin } = instructions;
  const identity = { rotation: told.rotation.ref, algorithm: algorithmOf(told.rotation) };
  const [signer, open] = await Promise.all([store.read("signer", identity), store.read("public", identity)]);
  const { gateways, warnings, unseen } = await sources.readGateways();
  const ring = await store.read("ring", identity);
  const clock = sources.readClock(ring.reading.kind === "ring" ? ring.reading.ring : undefined);
  const { nowMs, waitsFromMs } = clock;
  const { recoverySeenUpToMs: seenUpToMs } = sources;
  const recovery = recoveryIn(instructions, { seenUpToMs, nowMs, algorithm: identity.algorithm });
  const found: Found = {
    ...{ ring: ring.reading, signer: signer.reading, public: open.reading },
    claims: [...claimsOfAcks(gateways), ...sources.claims(ring)],
    ...(recovery.isAsked && { recovery: { alsoVerify: recovery.keys } }),
    ...{ nowMs, waitsFromMs },
  };
  const refusals = [...(told.refusals ?? []), ...(unseen ? [refusalBy(unseen)] : [])];
  return {
    observation: {
      rotation: identity.rotation,
      ...inForce({ ...told, refusals }, { ring: newestRing(found), nowMs }),
      requests,
      ...(firstRequests && { firstRequests }),
      ...(pin && { pin }),
      gateways,
      found,
      clockTrusted: clock.trusted,
    },
    snapshot: { ring, signer, public: open },
    clock,
    brought: recovery.materials,
    warnings: [...told.rotation.warnings, ...warnings, ...recovery.warnings],
    ...(unseen && { unseen }),
  };
}

const claimsOfAcks = (gateways: readonly GatewayView[]): Found["claims"] =>
  gateways.flatMap(({ name, ack }) => (ack ? [claimOfAck(name, ack)] : []));

/** Whoever can't be seen may hold anything back. */
const refusalBy = ({ message }: Error) => ({ reason: "ApiRefused", message, holds: true });
