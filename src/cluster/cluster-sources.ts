import type { ClockReading, Sources } from "../keeper/observe.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/object.ts";
import { type Found, statusClaim } from "../ring/found.ts";
import { type RefusedRotation, requestsOf, type Rotation, type RotationFrame } from "../ring/resource/rotation.ts";
import type { ClusterRead, ClusterStore } from "./cluster-store.ts";
import { firstRequestsOf } from "./first-requests.ts";
import { readGateways } from "./gateways.ts";
import { lastStatus, stalledSinceMs } from "./last-status.ts";
import { pinFactsOf } from "./pin-owner.ts";
import { annotations } from "../parse/api-names.ts";

export interface ClusterPorts {
  readonly client: KubeClient;
  readonly store: ClusterStore;
  /** Ends every call of the pass. */
  readonly signal?: AbortSignal;
  /** The highest generation that this process has seen of the rotation; 0: none. A status may be wiped. */
  readonly seenGeneration?: number;
}

/** Further apart the clocks of this process and of the API server may not be, in milliseconds. */
export const mostSkewMs = 30_000;

/** Where a pass over a JwtKeyRotation reads. Reading throws KubeErrors when one of the three objects can't be read. */
export function clusterSources(
  { client, store, signal, seenGeneration = 0 }: ClusterPorts,
  resource: KubeObject,
  rotation: Rotation | RefusedRotation,
): Sources<ClusterRead> {
  const pin = pinFactsOf(resource);
  return {
    store,
    instructions: {
      told: { rotation },
      requests: requestsOf(rotation),
      firstRequests: firstRequestsOf(resource, rotation),
      ...(pin && { pin }),
      ...askedFor(resource, rotation),
    },
    recoverySeenUpToMs: stalledSinceMs(resource),
    readGateways: () => readGateways(client, rotation.ref, signal),
    readClock: () => clockOf(client),
    claims: () => [
      ...claimOfStatus(resource),
      ...(seenGeneration > 0 ? [{ by: "the controller", generation: seenGeneration }] : []),
    ],
  };
}

/** Facts are counted by the API server's clock, which is the same for every leader; ours is only compared with it. */
function clockOf({ transport }: KubeClient): ClockReading {
  const ownMs = transport.clock.nowMs();
  const serverMs = transport.serverNowMs() ?? ownMs;
  return {
    trusted: Math.abs(ownMs - serverMs) <= mostSkewMs,
    nowMs: Math.floor(serverMs),
    waitsFromMs: Math.ceil(serverMs + transport.serverDoubtMs()),
  };
}

function askedFor({ metadata }: KubeObject, { annotations: { recoverRequestedAtMs } }: RotationFrame) {
  const recoverJwks = metadata.annotations?.[annotations.recoverJwks];
  return {
    ...(recoverRequestedAtMs !== undefined && { recoverRequestedAtMs }),
    ...(recoverJwks !== undefined && { recoverJwks }),
  };
}

function claimOfStatus(resource: KubeObject): Found["claims"] {
  const { ringGeneration } = lastStatus(resource);
  return ringGeneration === undefined ? [] : [{ by: statusClaim, generation: ringGeneration }];
}
