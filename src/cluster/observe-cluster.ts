import { recoveryIn } from "../keeper/recovery.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observation } from "../ring/decide.ts";
import { claimOfAck, type Found, newestRing, statusClaim } from "../ring/found.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import { inForce } from "../ring/obey.ts";
import {
  algorithmOf,
  type RefusedRotation,
  requestsOf,
  type Rotation,
  type RotationFrame,
} from "../ring/resource/rotation.ts";
import { firstRequestsOf } from "./first-requests.ts";
import { readGateways, type Unanswered } from "./gateways.ts";
import { annotations } from "./resources.ts";
import { lastStatus, stalledSinceMs } from "./last-status.ts";
import type { ObjectStore, Snapshot } from "./object-store.ts";

export interface Sources {
  readonly client: KubeClient;
  readonly store: ObjectStore;
  /** Ends every call of the pass. */
  readonly signal?: AbortSignal;
  /** The highest generation that this process has seen of the rotation; 0: none. A status may be wiped. */
  readonly seenGeneration?: number;
}

/** One reading of everything. */
export interface Sight {
  readonly observation: Observation;
  readonly snapshot: Snapshot;
  /** Public halves that a requested recovery brings along. */
  readonly brought: KeyMaterials;
  readonly warnings: readonly string[];
  /** Why the gateways could not all be seen. Then nothing but emergencies is carried out. */
  readonly unseen?: Unanswered;
}

/** Further apart the clocks of this process and of the API server may not be, in milliseconds. */
const mostSkewMs = 30_000;

/**
 * Reads everything in the order that the planner relies on: projections, acks, ring, clock.
 *
 * @throws KubeError when one of the three objects can't be read
 */
export async function observeCluster(
  sources: Sources,
  resource: KubeObject,
  rotation: Rotation | RefusedRotation,
): Promise<Sight> {
  const { client, store, signal, seenGeneration = 0 } = sources;
  const projections = await store.readProjections();
  const { gateways, warnings, unseen } = await readGateways(client, rotation.ref, signal);
  const ring = await store.read("ring");
  const { nowMs, waitsFromMs, isTrusted } = timeOf(client);
  const recovery = recoveryIn(askedFor(resource, rotation), {
    seenUpToMs: stalledSinceMs(resource),
    nowMs,
    algorithm: algorithmOf(rotation),
  });
  const snapshot = { ...projections, ring };
  const found: Found = {
    ring: ring.reading,
    signer: projections.signer.reading,
    public: projections.public.reading,
    claims: [
      ...claimsOf(gateways, resource),
      ...(seenGeneration > 0 ? [{ by: "the controller", generation: seenGeneration }] : []),
    ],
    ...(recovery.isAsked && { recovery: { alsoVerify: recovery.keys } }),
    nowMs,
    ...(waitsFromMs !== undefined && { waitsFromMs }),
  };
  const { ref } = rotation;
  const refusals = unseen ? [{ reason: "ApiRefused", message: unseen.message, holds: true }] : [];
  const said = inForce({ rotation, refusals }, { ring: newestRing(found), nowMs });
  return {
    observation: {
      rotation: ref,
      ...said,
      requests: requestsOf(rotation),
      firstRequests: firstRequestsOf(resource, rotation),
      gateways,
      found,
      clockTrusted: isTrusted,
    },
    snapshot,
    brought: recovery.materials,
    warnings: [...rotation.warnings, ...warnings, ...recovery.warnings],
    ...(unseen && { unseen }),
  };
}

/** Facts are counted by the API server's clock, which is the same for every leader; ours is only compared with it. */
function timeOf({ transport }: KubeClient): Pick<Found, "nowMs" | "waitsFromMs"> & { readonly isTrusted: boolean } {
  const ownMs = transport.clock.nowMs();
  const serverMs = transport.serverNowMs() ?? ownMs;
  return {
    nowMs: Math.floor(serverMs),
    waitsFromMs: Math.ceil(serverMs + transport.serverDoubtMs()),
    isTrusted: Math.abs(ownMs - serverMs) <= mostSkewMs,
  };
}

function askedFor({ metadata }: KubeObject, { annotations: { recoverRequestedAtMs } }: RotationFrame) {
  const recoverJwks = metadata.annotations?.[annotations.recoverJwks];
  return {
    ...(recoverRequestedAtMs !== undefined && { recoverRequestedAtMs }),
    ...(recoverJwks !== undefined && { recoverJwks }),
  };
}

function claimsOf(gateways: Observation["gateways"], resource: KubeObject): Found["claims"] {
  const { ringGeneration } = lastStatus(resource);
  return [
    ...gateways.flatMap(({ name, ack }) => (ack ? [claimOfAck(name, ack)] : [])),
    ...(ringGeneration === undefined ? [] : [{ by: statusClaim, generation: ringGeneration }]),
  ];
}
