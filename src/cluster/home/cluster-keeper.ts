import type { KubeClient } from "../../kube/client.ts";
import { ApiError } from "../../kube/kube-errors.ts";
import { type KubeObject } from "../../kube/object.ts";
import type { Ref } from "../../kube/resource.ts";
import type { Keeper } from "../../ring/keeper.ts";
import type { RotationRef } from "../../ring/ring.ts";
import { leaseFacts, leases } from "../../runtime/lease.ts";
import { rotations } from "../../parse/api-names.ts";
import { isSeen } from "./presume.ts";
import { membersOf } from "../../parse/object.ts";
import { formatInstant } from "../../parse/instant.ts";

/** Clocks may differ, and the next leader needs a moment: this long after its end a Lease is taken for lost, in milliseconds. */
const graceMs = 30_000;
const remedy = "look at the controller's pods and their logs";

/** Who looks after the rotation: the holder of the Lease that the last report names. Reads, and changes nothing. */
export async function clusterKeeper(client: KubeClient, ref: RotationRef, signal: AbortSignal): Promise<Keeper> {
  const resource = await client.find(rotations, ref, { signal });
  if (resource === undefined || !isSeen(resource))
    return { kind: "unknown", why: "no controller has reported on it yet" };
  const lease = leaseIn(resource);
  if (lease === undefined) return { kind: "unknown", why: "the controller that reported last holds no Lease" };
  const name = `${lease.namespace ?? ""}/${lease.name}`;
  try {
    const found = await client.find(leases, lease, { signal });
    if (found) return keeperBy(found, name, nowMsOf(client));
    return { kind: "nobody", why: `the Lease ${name} of the controller is gone`, remedy };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return { kind: "unknown", why: `the Lease ${name} of the controller may not be read here` };
  }
}

function leaseIn({ status }: KubeObject): Ref | undefined {
  const named = membersOf(status)["lease"];
  const [, namespace, name] = (typeof named === "string" && /^([^/]+)\/([^/]+)$/.exec(named)) || [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

const nowMsOf = ({ transport }: KubeClient): number => transport.serverNowMs() ?? transport.clock.nowMs();

/** What a Lease says of its holder. Pure. */
export function keeperBy(lease: KubeObject, name: string, nowMs: number): Keeper {
  const { holder, durationMs = 0, renewedAtMs } = leaseFacts(lease);
  const isOld = renewedAtMs === undefined || nowMs > renewedAtMs + durationMs + graceMs;
  const pod = holder.replace(/_[^_]*$/, "");
  if (!isOld) {
    return holder === ""
      ? { kind: "unknown", why: `the Lease ${name} is between two controllers` }
      : { kind: "acts", who: `controller ${pod}` };
  }
  const since = renewedAtMs === undefined ? "" : ` since ${formatInstant(renewedAtMs)}`;
  const why =
    holder === ""
      ? `no controller holds the Lease ${name}${since}`
      : `controller ${pod} has not renewed the Lease ${name}${since}`;
  return { kind: "nobody", why, remedy };
}
