import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as after } from "node:timers/promises";

interface Slice {
  readonly metadata: { readonly name: string };
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly name?: string };
  }[];
}

interface Event {
  readonly type: string;
  readonly object: Slice;
}

export interface Selected {
  readonly namespace: string;
  readonly service: string;
}

const account = "/var/run/secrets/kubernetes.io/serviceaccount";
const againMs = 500;

/** Follows the ready endpoints of a Service, as kube-proxy does: by name of pod, each with its address. */
export async function watchReplicas(
  selected: Selected,
  take: (replicas: ReadonlyMap<string, string>) => void,
): Promise<never> {
  while (true) {
    await watchOnce(selected, take).catch((error: unknown) => console.log(String(error)));
    await after(againMs);
  }
}

async function watchOnce(
  { namespace, service }: Selected,
  take: (replicas: Map<string, string>) => void,
): Promise<void> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = process.env;
  const token = await readFile(`${account}/token`, "utf8");
  const path = `apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const query = `labelSelector=kubernetes.io/service-name%3D${service}&watch=1`;
  const answer = await fetch(`https://${host}:${port}/${path}?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok || answer.body === null) throw new Error(`endpoint slices: ${answer.status}`);
  const slices = new Map<string, Slice>();
  for await (const line of createInterface({ input: Readable.fromWeb(answer.body) })) {
    const { type, object } = JSON.parse(line) as Event;
    if (type === "DELETED") slices.delete(object.metadata.name);
    else slices.set(object.metadata.name, object);
    take(readyOf([...slices.values()]));
  }
}

function readyOf(slices: readonly Slice[]): Map<string, string> {
  const ready = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready === true);
  return new Map(ready.map(({ addresses, targetRef }) => [targetRef?.name ?? "", addresses[0] ?? ""]));
}
