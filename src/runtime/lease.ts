import type { KubeObject } from "../kube/object.ts";
import type { Ref, Resource } from "../kube/resource.ts";
import { membersOf } from "../parse/object.ts";

export const leases: Resource = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
};

/** What election reads in a Lease; whatever else stands there is kept. */
export interface LeaseFacts {
  /** Empty: nobody holds it. */
  readonly holder: string;
  /** How long after its last renewal it can't be taken, in milliseconds. */
  readonly durationMs: number | undefined;
  readonly transitions: number;
  /** By the holder's clock, Unix milliseconds. */
  readonly renewedAtMs: number | undefined;
}

export function leaseFacts({ ["spec"]: raw }: KubeObject): LeaseFacts {
  const spec = membersOf(raw);
  const { holderIdentity: holder, leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec;
  const renewedAtMs = typeof spec["renewTime"] === "string" ? Date.parse(spec["renewTime"]) : NaN;
  return {
    holder: typeof holder === "string" ? holder : "",
    durationMs: typeof seconds === "number" && seconds > 0 ? seconds * 1000 : undefined,
    transitions: typeof transitions === "number" ? transitions : 0,
    renewedAtMs: Number.isNaN(renewedAtMs) ? undefined : renewedAtMs,
  };
}

/** A time with microseconds, as leases and events have it. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

interface Hold {
  readonly identity: string;
  readonly durationMs: number;
  readonly nowMs: number;
}

export function newLease(ref: Ref, { identity, durationMs, nowMs }: Hold): object {
  const renewTime = microTime(nowMs);
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: ref,
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: renewTime,
      renewTime,
      leaseTransitions: 0,
    },
  };
}

/** The lease in our hands, renewed or taken over. */
export function heldLease(lease: KubeObject, { identity, durationMs, nowMs }: Hold): KubeObject {
  const { holder, transitions } = leaseFacts(lease);
  const renewTime = microTime(nowMs);
  const taken = holder === identity ? {} : { acquireTime: renewTime, leaseTransitions: transitions + 1 };
  const leaseDurationSeconds = Math.ceil(durationMs / 1000);
  return withSpec(lease, { ...taken, holderIdentity: identity, leaseDurationSeconds, renewTime });
}

/** The lease in nobody's hands: the next may take it at once. */
export const freeLease = (lease: KubeObject, nowMs: number): KubeObject =>
  withSpec(lease, { holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(nowMs) });

function withSpec(lease: KubeObject, change: object): KubeObject {
  return { ...lease, spec: { ...membersOf(lease["spec"]), ...change } };
}
