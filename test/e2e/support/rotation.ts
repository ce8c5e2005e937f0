import type { KubeClient, KubeObject } from "../../../hack/testcluster/client.ts";
import { names } from "./names.ts";

interface KeyStatus {
  readonly kid: string;
  readonly state: string;
  readonly algorithm: string;
  readonly publishedTime?: string;
}

/** What the story looks at of a JwtKeyRotation's status. */
export interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly activeKid?: string;
  readonly keys?: readonly KeyStatus[];
  readonly ringGeneration?: number;
  readonly history?: readonly { readonly step: string; readonly kid?: string }[];
}

const patienceMs = 120_000;
const rotationsPath = `/apis/keyturn.dev/v1alpha1/namespaces/${names.namespace}/jwtkeyrotations`;
const rotationPath = `${rotationsPath}/${names.rotation}`;

const statusOf = (object: KubeObject): Status => object["status"] ?? {};

export const holds = ({ conditions = [] }: Status, type: string): boolean =>
  conditions.some((one) => one.type === type && one.status === "True");

/** Nothing is under way, and the next key could sign at once. */
export const isAtRest = (status: Status): boolean =>
  holds(status, "Ready") &&
  !holds(status, "Rotating") &&
  (status.keys ?? []).some(({ state, publishedTime }) => state === "Prepared" && publishedTime !== undefined);

export const readStatus = async (client: KubeClient): Promise<Status> => statusOf(await client.get(rotationPath));

/** Waits until an object that a watch shows fits. @throws Error that says what never was */
export async function sees(
  client: KubeClient,
  path: string,
  { what, fits }: { readonly what: string; readonly fits: (object: KubeObject, type: string) => boolean },
): Promise<KubeObject> {
  const signal = AbortSignal.timeout(patienceMs);
  let last: unknown;
  try {
    for await (const { object, type } of client.watch(path, signal)) {
      last = object["status"];
      if (fits(object, type)) return object;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new Error(`This never was: ${what}. Last: ${JSON.stringify(last)}`);
}

/** Waits for a status of the rotation as it is now or later. */
export async function reaches(client: KubeClient, what: string, fits: (status: Status) => boolean): Promise<Status> {
  const { metadata } = await client.get(rotationPath);
  const { generation = 0 } = metadata as { generation?: number };
  const isDone = (object: KubeObject): boolean => {
    const status = statusOf(object);
    return (status.observedGeneration ?? -1) >= generation && fits(status);
  };
  const path = `${rotationsPath}?fieldSelector=metadata.name=${names.rotation}`;
  return statusOf(await sees(client, path, { what, fits: isDone }));
}

/** Waits until another key than this one signs, and has settled. */
export const rotatedFrom = (client: KubeClient, kid: string | undefined): Promise<Status> =>
  reaches(client, `another key than ${kid ?? "none"} signs`, (status) => {
    return status.activeKid !== undefined && status.activeKid !== kid && isAtRest(status);
  });

const configMaps = `/api/v1/namespaces/${names.namespace}/configmaps`;

interface Keyring {
  readonly keys: readonly { readonly kid: string; readonly state: string }[];
}

/** Waits until a public ring is let out in which another key than this one signs: the middle of a rotation. */
export async function newSigner(client: KubeClient, kid: string | undefined): Promise<void> {
  const fits = ({ data }: KubeObject): boolean => {
    const { keys } = JSON.parse((data as { "keyring.json": string })["keyring.json"]) as Keyring;
    return keys.every((key) => key.state !== "active" || key.kid !== kid);
  };
  const path = `${configMaps}?fieldSelector=metadata.name=${names.rotation}-public`;
  await sees(client, path, { what: "a ring with another signer", fits });
}

/** Waits until no gateway says any more that it accepts this key. */
export async function acknowledgedWithout(client: KubeClient, kid: string): Promise<void> {
  const accepting = new Set<string>();
  const path = `/apis/keyturn.dev/v1alpha1/namespaces/${names.namespace}/keyringacks`;
  const { items } = await client.get<{ items: readonly KubeObject[] }>(path);
  const note = (object: KubeObject, type = "ADDED"): boolean => {
    const accepts = (object["verifies"] as readonly string[]).includes(kid);
    if (accepts && type !== "DELETED") accepting.add(object.metadata.name);
    else accepting.delete(object.metadata.name);
    return accepting.size === 0;
  };
  for (const object of items) note(object);
  if (items.length > 0 && accepting.size === 0) return;
  await sees(client, path, { what: `no gateway accepts ${kid}`, fits: note });
}
