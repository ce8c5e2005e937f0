import type { KubeClient } from "../../../hack/testcluster/client.ts";

/** `PUT secrets`, `PUT jwtkeyrotations/status`: how often the API server was asked. */
export type Requests = Readonly<Record<string, number>>;

/** Requests of those who began nothing of their own: the control plane's. */
const ofOthers =
  /^(?:WATCH |LIST (?!keyringacks|pods)|\w+ (?:leases|serviceaccounts|namespaces|replicasets|endpoints))/;

/**
 * What the API server has counted, of all who ask. Watches, their lists, and what the control plane does for itself are left
 * out.
 */
export async function requestsSoFar(admin: KubeClient): Promise<Requests> {
  const requests: Record<string, number> = {};
  for (const line of (await admin.text("GET", "/metrics")).split("\n")) {
    const [, labels = "", value] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (value === undefined) continue;
    const label = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    const sub = label("subresource");
    const key = `${label("verb")} ${label("resource")}${sub === "" ? "" : `/${sub}`}`;
    if (label("resource") !== "" && !ofOthers.test(key)) requests[key] = (requests[key] ?? 0) + Number(value);
  }
  return requests;
}

export interface Between {
  readonly before: Requests;
  readonly after: Requests;
}

export interface Shares {
  /** So many objects. */
  readonly per: number;
  /** What the bench itself sends. */
  readonly own: readonly string[];
}

/** Of each kind how many came between, for each object. */
export function requestsBetween({ before, after }: Between, { per, own }: Shares): Requests {
  const each = Object.entries(after)
    .filter(([key]) => !own.includes(key))
    .map(([key, count]) => [key, (count - (before[key] ?? 0)) / per] as const);
  // What happens once or twice in a run is not of the objects
  return Object.fromEntries(each.filter(([, count]) => count >= 0.05).sort(([, a], [, b]) => b - a));
}

export const totalOf = (requests: Requests): number => Object.values(requests).reduce((sum, count) => sum + count, 0);

export const writesIn = (requests: Requests): number =>
  totalOf(Object.fromEntries(Object.entries(requests).filter(([key]) => /^(?:POST|PUT|PATCH|APPLY|DELETE)/.test(key))));
