import type { Document } from "yaml";
import { labels } from "../parse/api-names.ts";
import { isObject, type Members } from "../parse/object.ts";
import { agentContainer, agentMount, agentName, agentVolumeNames, agentVolumes } from "./agent-sidecar.ts";
import { ownContainers, tellContainer } from "./application.ts";
import { keepEdits } from "./edits.ts";
import { mustFit, type WantedSidecar } from "./fit.ts";
import { hubMount, sessionVolumes } from "./gateway-sessions.ts";
import { gatewayContainer, gatewayName, gatewayVolumeNames, gatewayVolumes } from "./gateway-sidecar.ts";
import type { WantedSidecars } from "./inject-options.ts";
import { dropIfEmpty, dropMember, dropNamed, dropNumber, putNamed, putNumber } from "./lists.ts";
import { listAt, mapAt, type Path, unfold } from "./manifest.ts";
import { imageUser } from "./native-sidecar.ts";
import { type PutRecord, putRecordIn, setPutRecord } from "./put-record.ts";
import { remarks } from "./remarks.ts";
import type { Account } from "./rights.ts";
import type { Workload } from "./workloads.ts";

interface PuttingSidecars {
  readonly account: Account;
  readonly wanted: WantedSidecars;
  readonly hasPullSecrets: boolean;
}

const sidecars = [gatewayName, agentName];

/** An earlier run has put something there. */
export const isInjected = ({ part: { document }, pod, name }: Workload): boolean =>
  putRecordIn(document, name) !== undefined ||
  listAt(document, [...pod, "spec", "initContainers"]).some((one) =>
    sidecars.some((sidecar) => sidecar === one["name"]),
  );

/** Makes the workload's pods have these sidecars, and no others of ours. Returns what a person should know. */
export function putSidecars(workload: Workload, putting: PuttingSidecars): readonly string[] {
  const { part, pod, name } = workload;
  const { account, wanted } = putting;
  const { document } = part;
  const spec = [...pod, "spec"];
  mustFit(document, { spec, name, sidecars }, wantedSidecars(wanted));
  const before = putRecordIn(document, name);
  part.text = undefined;
  unfold(part);
  const notes = remarks(document, { spec, name, before, ...putting });
  putIdentity(workload, { account, wanted });
  const token = putToken(document, spec, { wanted, before });
  const { now, hidden } = putLists(document, spec, { wanted, before });
  setPutRecord(document, wanted.gateway || wanted.agent ? { ...now, ...token } : undefined);
  return [...notes, ...hidden.map((text) => `${name}: ${text}`)];
}

/** Labels, and who the pods are. */
function putIdentity({ part, pod }: Workload, { account, wanted }: Omit<PuttingSidecars, "hasPullSecrets">): void {
  const { document } = part;
  const { gateway, agent } = wanted;
  const podLabels = [...pod, "metadata", "labels"];
  if (gateway && gateway.acks !== "off") mapAt(document, podLabels).set(labels.rotation, gateway.rotation);
  else dropMember(document, [...podLabels, labels.rotation]);
  if (agent) mapAt(document, podLabels).set(labels.agent, "true");
  else dropMember(document, [...podLabels, labels.agent]);
  const own = mapAt(document, [...pod, "spec"]);
  if (account.isOwn && (gateway ?? agent)) own.set("serviceAccountName", account.name);
  else if (account.isOwn) own.delete("serviceAccountName");
  dropIfEmpty(document, [...pod, "metadata"]);
}

/** The application has no business with the token of an account that may read the keys. Returns what is ours of it. */
function putToken(
  document: Document,
  spec: Path,
  { wanted, before }: PuttingLists,
): Pick<PutRecord, "automountServiceAccountToken"> {
  const own = mapAt(document, spec);
  const isOurs = before?.automountServiceAccountToken === false && own.get("automountServiceAccountToken") === false;
  if (!wanted.gateway) {
    if (isOurs) own.delete("automountServiceAccountToken");
    return {};
  }
  if (own.has("automountServiceAccountToken")) return isOurs ? { automountServiceAccountToken: false } : {};
  own.set("automountServiceAccountToken", false);
  return { automountServiceAccountToken: false };
}

function wantedSidecars({ gateway, agent }: WantedSidecars): readonly WantedSidecar[] {
  const { sessions } = gateway ?? {};
  const ofGateway = gateway && {
    ...{ name: gatewayName, ports: { ...gateway.ports, ...sessions?.ports } },
    ...(sessions && { shares: hubMount }),
  };
  const ofAgent = agent && { name: agentName, ports: agent.ports, shares: agentMount };
  return [ofGateway, ofAgent].filter((one) => one !== undefined);
}

interface PuttingLists {
  readonly wanted: WantedSidecars;
  readonly before: PutRecord | undefined;
}

interface PutLists {
  readonly now: PutRecord;
  /** Where an edit hides something new. */
  readonly hidden: readonly string[];
}

function putLists(document: Document, spec: Path, { wanted, before }: PuttingLists): PutLists {
  const { gateway, agent } = wanted;
  const groups = [...spec, "securityContext", "supplementalGroups"];
  const hadShared = listAt(document, [...spec, "volumes"]).some(({ name }) => isShared(name));
  // Who is in the group of the image may read the token, and connect to the sockets
  if (agent ?? gateway?.sessions) putNumber(document, groups, imageUser);
  else if (hadShared) dropNumber(document, groups, imageUser);
  const now: PutRecord = {
    initContainers: [...(gateway ? [gatewayContainer(gateway)] : []), ...(agent ? [agentContainer(agent)] : [])],
    volumes: [...(gateway ? gatewayVolumes(gateway) : []), ...(agent ? agentVolumes(agent) : [])],
  };
  const names = { initContainers: sidecars, volumes: [...gatewayVolumeNames, ...agentVolumeNames] };
  const hidden = (["initContainers", "volumes"] as const).flatMap((list) =>
    bring(document, [...spec, list], { to: now[list], from: names[list], before: before?.[list] }),
  );
  for (const container of ownContainers(document, spec, sidecars)) tellContainer(document, container, wanted);
  return { now, hidden };
}

/** The application has that volume, too. */
const isShared = (volume: unknown): boolean => volume === agentName || volume === sessionVolumes.hub;

interface Bringing {
  readonly to: readonly Members[];
  /** Names of what may be there. */
  readonly from: readonly string[];
  /** What the last run put. */
  readonly before: readonly Members[] | undefined;
}

/** Brings what is ours in a list of named items to what is to be; returns where an edit hides something new. */
function bring(document: Document, path: Path, { to, from, before }: Bringing): readonly string[] {
  const gone = from.filter((name) => to.every((one) => one["name"] !== name));
  dropNamed(document, path, gone);
  const named = (list: readonly Members[] | undefined, name: unknown): Members | undefined =>
    list?.find((one) => one["name"] === name);
  const places = to.map((now) => {
    const found = named(listAt(document, path), now["name"]);
    // What came back after somebody took it out is new, and of what was put without a record nothing is known
    const put = found === undefined ? undefined : (named(before, now["name"]) ?? found);
    return { now, ...keepEdits({ put, found, now }) };
  });
  for (const { value, now } of places.toReversed()) putNamed(document, path, isObject(value) ? value : now);
  return places.flatMap(({ now, hidden }) =>
    hidden.map((at) => `${at} of ${String(now["name"])} stays as somebody has edited it, this run has something else`),
  );
}
