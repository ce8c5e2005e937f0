import type { DocumentOpener } from "../../keeper/document-read.ts";
import { observe } from "../../keeper/observe.ts";
import type { Snapshot } from "../../keeper/store.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { KubeObject } from "../../kube/object.ts";
import { conditionsOf } from "../../ring/conditions.ts";
import { decide, type Observation } from "../../ring/decide.ts";
import type { RotationRef } from "../../ring/ring.ts";
import type { RefusedRotation, Rotation } from "../../ring/resource/rotation.ts";
import { clusterSources, mostSkewMs } from "../cluster-sources.ts";
import type { ClusterRead, ClusterStore } from "../cluster-store.ts";
import { LookingStore } from "./looking-store.ts";
import { pinRemarks } from "./owners.ts";
import { isSeen, reported } from "./presume.ts";
import { readResource } from "./read-resource.ts";

export interface Looking {
  readonly client: KubeClient;
  readonly ref: RotationRef;
  readonly opener: DocumentOpener;
  readonly signal: AbortSignal;
}

export interface ClusterLook {
  readonly seen: Observation;
  /** What could not be seen, or must be known beside it: a line each. */
  readonly remarks: readonly string[];
  /** The objects as they were read. */
  readonly snapshot: Snapshot<ClusterRead>;
  /** The store that they were read from. */
  readonly store: ClusterStore;
  readonly rotation: Rotation | RefusedRotation;
}

/** Stalls because of another writer. */
const rivalries = ["SeveralControllers", "Quarrel"];

/** Reads what a pass reads, as far as the person behind the client may. */
export async function look({ client, ref, opener, signal }: Looking): Promise<ClusterLook> {
  const { resource, rotation } = await readResource(client, ref, signal);
  const store = new LookingStore({ client, rotation, owner: resource, signal, opener });
  const sources = clusterSources({ client, store, signal }, resource, rotation);
  const { observation, warnings, unseen, snapshot } = await observe(sources);
  // The controller may see them: what is true of a look is not true of its passes
  if (unseen) throw unseen;
  // Whether its clock is right, and who else writes, only the controller knows
  const { reason = "", message = "" } = reported(resource, "Stalled") ?? {};
  const rival = rivalries.includes(reason) ? { reason, message } : undefined;
  const seen = { ...observation, clockTrusted: reason !== "ClockSkew", ...(rival && { rival }) };
  const remarks = [...presumed(store), ...skew(client), ...told(resource, seen), ...pinRemarks(resource), ...warnings];
  return { seen, remarks, snapshot, store, rotation };
}

function presumed({ unseen }: LookingStore): readonly string[] {
  if (unseen.length === 0) return [];
  return [`${unseen.join(" and ")} may not be read here: which private halves there are is presumed`];
}

function skew({ transport }: KubeClient): readonly string[] {
  const ownMs = transport.clock.nowMs();
  const aheadMs = ownMs - (transport.serverNowMs() ?? ownMs);
  if (Math.abs(aheadMs) <= mostSkewMs) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return [`this machine's clock is ${seconds} s ${aheadMs > 0 ? "ahead" : "behind"}: the API server's counts`];
}

/** What the controller knows, and what was read does not show. */
function told(resource: KubeObject, seen: Observation): readonly string[] {
  if (!isSeen(resource)) return ["no controller has reported on it yet: does one run that looks after this namespace?"];
  const stall = reported(resource, "Stalled");
  if (!stall) return [];
  const { refused, rival } = seen;
  const own = conditionsOf(decide(seen), seen.policy.suspend, { refused, rival });
  if (own.some(({ type, reason }) => type === "Stalled" && reason === stall.reason)) return [];
  return [`the controller reports that it is stalled, ${stall.reason}: ${stall.message}`];
}
