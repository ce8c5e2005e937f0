import type { RotationSummary } from "../../keeper/home.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isFields, type KubeObject } from "../../kube/object.ts";
import { lastStatus } from "../last-status.ts";
import { rotations } from "../resources.ts";
import { withApiErrors } from "./api-errors.ts";

/** The rotations of a namespace, or of all, sorted by name: one request, and no Secret is read. */
export async function listRotations(client: KubeClient, namespace?: string): Promise<readonly RotationSummary[]> {
  const selection = namespace === undefined ? {} : { namespace };
  const { items } = await withApiErrors(() => client.list(rotations, selection));
  return items.map(summaryOf).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ namespace, name }: RotationSummary): string => `${namespace}/${name}`;

function summaryOf(resource: KubeObject): RotationSummary {
  const { apiVersion, kind, metadata } = resource;
  const { name, namespace = "" } = metadata;
  const status = isFields(resource["status"]) ? resource["status"] : {};
  const spec = isFields(resource["spec"]) ? resource["spec"] : {};
  const algorithm = lastKeys(status).find(({ state }) => state === "Active")?.["algorithm"] ?? spec["algorithm"];
  const gateways = isFields(status["gateways"]) ? status["gateways"]["summary"] : undefined;
  return {
    ...{ namespace, name, createdAtMs: Date.parse(metadata.creationTimestamp ?? "") },
    conditions: lastStatus(resource).conditions,
    ...texts({ activeKid: status["activeKid"], algorithm, gateways }),
    ...texts({ waitingFor: status["waitingFor"] }),
    ...instants({ lastRotationAtMs: status["lastRotationTime"], nextRotationAtMs: status["nextRotationTime"] }),
    document: { apiVersion, kind, metadata: { name, namespace }, status },
  };
}

function lastKeys({ keys }: Readonly<Record<string, unknown>>) {
  const all: readonly unknown[] = Array.isArray(keys) ? keys : [];
  return all.filter(isFields);
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
