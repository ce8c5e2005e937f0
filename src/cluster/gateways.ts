import type { GatewaysRead } from "../keeper/observe.ts";
import type { KubeClient } from "../kube/client.ts";
import { ApiError, ConnectionError } from "../kube/kube-errors.ts";
import { type KubeObject } from "../kube/object.ts";
import { pods } from "../kube/resource.ts";
import { parseKeyRingAck } from "../ring/ack-document.ts";
import type { Ack, GatewayView } from "../ring/ack.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { RotationRef } from "../ring/ring.ts";
import { keyRingAcks, labels } from "../parse/api-names.ts";
import { isObject, type Members, membersOf, objectsIn } from "../parse/object.ts";

/** The API server refused to say, or could not be asked. */
type Unanswered = ApiError | ConnectionError;

/** The sidecar's container, as `keyturn inject` and the chart name it. */
const gatewayContainer = "keyturn";

/** Stands for whoever could not be seen: may answer requests, and has acknowledged nothing. */
const others: GatewayView = { name: "whoever can't be seen", ready: true };

/**
 * Reads live which pods have to acknowledge, and what they did: those with the label `keyturn.dev/rotation`, and every pod
 * with an ack of its own. Pods that have ended never count. That pods or acks can't be read is an answer, too: an emergency
 * does not wait for it.
 */
export async function readGateways(
  client: KubeClient,
  { namespace, name }: RotationRef,
  signal?: AbortSignal,
): Promise<GatewaysRead> {
  const options = { ...(signal && { signal }) };
  const selection = { namespace, labelSelector: `${labels.rotation}=${name}` };
  const [listed, labelled] = await Promise.all([
    answerOf(client.list(keyRingAcks, selection, options)),
    answerOf(client.list(pods, selection, options)),
  ]);
  const stated = isUnanswered(listed) ? [] : listed.items.map((object) => ackIn(object, name));
  const acks = stated.filter((one) => typeof one !== "string");
  const query = { namespace, acks, options };
  const found = isUnanswered(labelled) ? labelled : await answerOf(podsOf(client, labelled.items, query));
  const unseen = [listed, found].find(isUnanswered);
  if (unseen === undefined && !isUnanswered(found)) return gatewaysIn(stated, found.map(podFacts));
  const seen = isUnanswered(found)
    ? acks.map(({ podName, ack }): GatewayView => ({ name: podName, ready: true, ack }))
    : gatewaysIn(stated, found.map(podFacts)).gateways;
  return {
    gateways: [...seen.toSorted(byName), others],
    warnings: stated.filter((one) => typeof one === "string"),
    ...(unseen && { unseen }),
  };
}

/** What pods and their acks amount to, where all of both is known. */
export function gatewaysIn(stated: readonly AckRead[], pods: readonly PodFacts[]): GatewaysRead {
  const byPod = new Map(stated.flatMap((one) => (typeof one === "string" ? [] : [[one.podUid, one.ack] as const])));
  const seen = pods.map((pod) => gatewayViewOf(pod, byPod)).filter((view) => view !== undefined);
  return { gateways: seen.toSorted(byName), warnings: stated.filter((one) => typeof one === "string") };
}

const byName = (a: GatewayView, b: GatewayView): number => (a.name < b.name ? -1 : 1);

interface PodQuery {
  readonly namespace: string;
  readonly acks: readonly Stated[];
  readonly options: { readonly signal?: AbortSignal };
}

/** The labelled ones, and those that an ack names. */
async function podsOf(
  client: KubeClient,
  labelled: readonly KubeObject[],
  { namespace, acks, options }: PodQuery,
): Promise<readonly KubeObject[]> {
  const found = new Map(labelled.map((pod) => [pod.metadata.uid, pod]));
  for (const { podUid, podName } of acks) {
    if (found.has(podUid)) continue;
    const pod = await client.find(pods, { namespace, name: podName }, options);
    if (pod?.metadata.uid === podUid) found.set(podUid, pod);
  }
  return [...found.values()];
}

const isUnanswered = (value: unknown): value is Unanswered =>
  value instanceof ApiError || value instanceof ConnectionError;

async function answerOf<T>(call: Promise<T>): Promise<T | Unanswered> {
  try {
    return await call;
  } catch (error) {
    if (isUnanswered(error)) return error;
    throw error;
  }
}

/** What an ack says, or why that does not count. */
export type AckRead = Stated | string;

interface Stated {
  readonly podUid: string;
  readonly podName: string;
  readonly ack: Ack;
}

/** Its name says whose it is, which the admission policy holds to the writer's token. */
export function ackIn(object: KubeObject, rotation: string): AckRead {
  const { name } = object.metadata;
  try {
    const { podName, ack, ...about } = parseKeyRingAck(object);
    const podUid = name.slice(0, -(rotation.length + 1));
    if (about.rotation === rotation && name === `${podUid}.${rotation}`) return { podUid, podName, ack };
    return `ack "${name}" does not count: must be named <pod uid>.${rotation} and be about this rotation`;
  } catch (error) {
    if (error instanceof KeyturnError) return `ack "${name}" does not count: ${error.message}`;
    throw error;
  }
}

/** What counts of a pod. */
export interface PodFacts {
  readonly uid: string;
  readonly name: string;
  /** It ended, and answers nobody. */
  readonly isOver: boolean;
  /** Its gateway runs, or ran before. */
  readonly runs: boolean;
  readonly ready: boolean;
  readonly runningSinceMs?: number;
  readonly restartedAtMs?: number;
}

export function podFacts(pod: KubeObject): PodFacts {
  const { uid = "", name } = pod.metadata;
  const status = membersOf(pod["status"]);
  const { phase } = status;
  const containers = [status["initContainerStatuses"], status["containerStatuses"]].flatMap(objectsIn);
  // A native sidecar runs while its pod is still Pending
  const own = containers.find((one) => one["name"] === gatewayContainer);
  const runs = own
    ? hasBegun(own)
    : phase === "Running" || phase === "Unknown" || containers.some((one) => startOf(one) !== undefined);
  const runningSinceMs = ackInstant(status["startTime"]) ?? ackInstant(pod.metadata.creationTimestamp);
  const restartedAtMs = own && ackInstant(startOf(own));
  return {
    ...{ uid, name, isOver: phase === "Succeeded" || phase === "Failed", runs },
    ready: objectsIn(status["conditions"]).some((one) => one["type"] === "Ready" && one["status"] === "True"),
    ...(runningSinceMs !== undefined && { runningSinceMs }),
    ...(restartedAtMs !== undefined && { restartedAtMs }),
  };
}

/** Undefined when the pod has ended, or has not begun. */
function gatewayViewOf(
  { uid, isOver, runs, ...facts }: PodFacts,
  byPod: ReadonlyMap<string, Ack>,
): GatewayView | undefined {
  const ack = byPod.get(uid);
  if (isOver || (!runs && ack === undefined)) return undefined;
  return { ...facts, ...(ack && { ack }) };
}

/** It runs, or ran before: an image that is still on its way answers nobody. */
const hasBegun = ({ state, lastState }: Members): boolean =>
  [state, lastState].filter(isObject).some((one) => one["running"] !== undefined || one["terminated"] !== undefined);

/** When the container began to run; undefined while it does not. */
function startOf({ state }: Members): unknown {
  const { running } = membersOf(state);
  return isObject(running) ? (running["startedAt"] ?? "") : undefined;
}

function ackInstant(value: unknown): number | undefined {
  const atMs = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
