import type { RotationSummary } from "../../keeper/home.ts";
import type { KubeClient } from "../../kube/client.ts";
import { type KubeObject } from "../../kube/object.ts";
import { Reflector } from "../../kube/reflector.ts";
import type { Selection } from "../../kube/resource.ts";
import { dayMs } from "../../parse/duration.ts";
import { Bell } from "../../time/bell.ts";
import { lastStatus } from "../last-status.ts";
import { rotations } from "../../parse/api-names.ts";
import { withApiErrors } from "./api-errors.ts";
import { membersOf, objectsIn } from "../../parse/object.ts";
import { rotationName } from "../../ring/ring.ts";

/** The rotations of a namespace, or of all, sorted by name: one request, and no Secret is read. */
export async function listRotations(client: KubeClient, selection: Selection): Promise<readonly RotationSummary[]> {
  const { items } = await withApiErrors(() => client.list(rotations, selection));
  return items.map(summaryOf).sort((a, b) => (rotationName(a) < rotationName(b) ? -1 : 1));
}

/** Yields whenever one of them may have changed; ends with the signal. */
export async function* rotationChanges(
  client: KubeClient,
  selection: Selection,
  signal: AbortSignal,
): AsyncIterable<void> {
  const bell = new Bell();
  const reflector = new Reflector({ client, resource: rotations, selection, onChange: () => bell.ring() });
  const running = reflector.run(signal);
  for (;;) {
    await bell.sleep(dayMs, signal);
    if (signal.aborted) break;
    yield;
  }
  await running;
}

function summaryOf(resource: KubeObject): RotationSummary {
  const { apiVersion, kind, metadata } = resource;
  const { name, namespace = "" } = metadata;
  const status = membersOf(resource["status"]);
  const spec = membersOf(resource["spec"]);
  const algorithm =
    objectsIn(status["keys"]).find(({ state }) => state === "Active")?.["algorithm"] ?? spec["algorithm"];
  const gateways = membersOf(status["gateways"])["summary"];
  return {
    ...{ namespace, name, createdAtMs: Date.parse(metadata.creationTimestamp ?? "") },
    conditions: lastStatus(resource).conditions,
    ...texts({ activeKid: status["activeKid"], algorithm, gateways }),
    ...texts({ waitingFor: status["waitingFor"] }),
    ...instants({ lastRotationAtMs: status["lastRotationTime"], nextRotationAtMs: status["nextRotationTime"] }),
    document: { apiVersion, kind, metadata: { name, namespace }, status },
  };
}

function texts<Name extends string>(fields: Readonly<Record<Name, unknown>>): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") found[name] = value;
  }
  return found;
}

function instants<Name extends string>(fields: Readonly<Record<Name, unknown>>): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {};
  for (const name in fields) {
    const value = fields[name];
    const atMs = typeof value === "string" ? Date.parse(value) : NaN;
    if (!Number.isNaN(atMs)) found[name] = atMs;
  }
  return found;
}
