import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { agentContainer, agentMount, agentName, agentVolumeNames, agentVolumes } from "./agent-sidecar.ts";
import { ownContainers, tellContainer } from "./application.ts";
import { mustFit, type WantedSidecar } from "./fit.ts";
import { hubMount, sessionVolumes } from "./gateway-sessions.ts";
import { gatewayContainer, gatewayName, gatewayVolumeNames, gatewayVolumes } from "./gateway-sidecar.ts";
import type { InjectOptions } from "./inject-options.ts";
import { dropMember, dropNamed, dropNumber, putNamed, putNumber } from "./lists.ts";
import { listAt, mapAt, manifestOf, newPart, type Part, type Path, readManifest, textAt, unfold } from "./manifest.ts";
import { imageUser } from "./native-sidecar.ts";
import { remarks } from "./remarks.ts";
import { accountObject, type Account, rightsOf } from "./rights.ts";
import { labels } from "../parse/api-names.ts";
import type { Members } from "../parse/object.ts";

export interface Injected {
  /** The manifest: what it was, the sidecars in its workloads, and the rights that they need. */
  readonly manifest: string;
  /** What a person should know, a sentence each. */
  readonly notes: readonly string[];
}

const template: Path = ["spec", "template"];

/** Where the pod stands in a workload, by its kind. */
const podPaths: ReadonlyMap<string, Path> = new Map([
  ["v1 Pod", []],
  ["apps/v1 Deployment", template],
  ["apps/v1 StatefulSet", template],
  ["apps/v1 DaemonSet", template],
  ["apps/v1 ReplicaSet", template],
  ["batch/v1 Job", template],
  ["batch/v1 CronJob", ["spec", "jobTemplate", ...template]],
]);

const podPathOf = ({ document }: Part): Path | undefined =>
  podPaths.get(`${textAt(document, ["apiVersion"])} ${textAt(document, ["kind"])}`);

/**
 * Puts gateway and agent beside the application in every workload of the manifest. Injecting again changes nothing, or brings up to date what
 * was injected. Other documents stay to the last byte, comments everywhere.
 *
 * @throws ChangeNeededError when the text is no manifest, has no workload, or has one beside which they do not fit
 */
export function inject(text: string, options: InjectOptions): Injected {
  const parts = readManifest(text).filter(
    (part) => textAt(part.document, ["metadata", "labels", labels.sidecar]) === "",
  );
  const notes: string[] = [];
  const made = new Map<string, Part>();
  let workloads = 0;
  for (const part of parts) {
    const pod = podPathOf(part);
    if (pod === undefined) continue;
    workloads++;
    const account = addSidecars(part, { pod, options, notes });
    for (const fields of objectsFor(account, options)) {
      made.set(`${fields.kind} ${account.namespace ?? ""} ${fields.metadata.name}`, newPart({ ...fields }));
    }
  }
  if (workloads === 0) {
    const kinds = [...podPaths.keys()].join(", ");
    throw new ChangeNeededError("NoWorkload", `Cannot inject: the manifest must have a workload (${kinds}), has none`);
  }
  return { manifest: manifestOf([...parts, ...made.values()]), notes: [...new Set(notes)] };
}

const objectsFor = (account: Account, { gateway, agent }: InjectOptions) => [
  ...(account.isOwn && (gateway ?? agent) ? [accountObject(account, gateway?.rotation ?? "agent")] : []),
  ...(gateway ? rightsOf(account, gateway) : []),
];

interface Adding {
  /** Where the pod stands. */
  readonly pod: Path;
  readonly options: InjectOptions;
  readonly notes: string[];
}

const sidecars = [gatewayName, agentName];

function addSidecars(part: Part, { pod, options, notes }: Adding): Account {
  const { document } = part;
  const spec = [...pod, "spec"];
  const name = nameOf(document);
  const { gateway, agent } = options;
  mustFit(document, { spec, name, sidecars }, wantedSidecars(options));
  part.text = undefined;
  unfold(part);
  const account = accountOf(document, spec, options);
  notes.push(...remarks(document, { spec, name, account, options }));
  const podLabels = [...pod, "metadata", "labels"];
  if (gateway && gateway.acks !== "off") mapAt(document, podLabels).set(labels.rotation, gateway.rotation);
  else dropMember(document, [...podLabels, labels.rotation]);
  if (agent) mapAt(document, podLabels).set(labels.agent, "true");
  else dropMember(document, [...podLabels, labels.agent]);
  const own = mapAt(document, spec);
  if (account.isOwn && (gateway ?? agent)) own.set("serviceAccountName", account.name);
  else if (account.isOwn) own.delete("serviceAccountName");
  // The application has no business with the token of an account that may read the keys
  if (gateway && !own.has("automountServiceAccountToken")) own.set("automountServiceAccountToken", false);
  putSidecars(document, spec, options);
  return account;
}

function wantedSidecars({ gateway, agent }: InjectOptions): readonly WantedSidecar[] {
  const { sessions } = gateway ?? {};
  const ofGateway = gateway && {
    ...{ name: gatewayName, ports: { ...gateway.ports, ...sessions?.ports } },
    ...(sessions && { shares: hubMount }),
  };
  const ofAgent = agent && { name: agentName, ports: agent.ports, shares: agentMount };
  return [ofGateway, ofAgent].filter((one) => one !== undefined);
}

function putSidecars(document: Document, spec: Path, options: InjectOptions): void {
  const { gateway, agent } = options;
  const groups = [...spec, "securityContext", "supplementalGroups"];
  const hadShared = listAt(document, [...spec, "volumes"]).some(({ name }) => isShared(name));
  // Who is in the group of the image may read the token, and connect to the sockets
  if (agent ?? gateway?.sessions) putNumber(document, groups, imageUser);
  else if (hadShared) dropNumber(document, groups, imageUser);
  const containers = [...(gateway ? [gatewayContainer(gateway)] : []), ...(agent ? [agentContainer(agent)] : [])];
  const volumes = [...(gateway ? gatewayVolumes(gateway) : []), ...(agent ? agentVolumes(agent) : [])];
  bring(document, [...spec, "initContainers"], { to: containers, from: sidecars });
  bring(document, [...spec, "volumes"], { to: volumes, from: [...gatewayVolumeNames, ...agentVolumeNames] });
  for (const container of ownContainers(document, spec, sidecars)) {
    tellContainer(document, container, options);
  }
}

/** The application has that volume, too. */
const isShared = (volume: unknown): boolean => volume === agentName || volume === sessionVolumes.hub;

/** Brings what is ours in a list of named items from what may be there to what is to be. */
function bring(
  document: Document,
  path: Path,
  { to, from }: { readonly to: readonly Members[]; readonly from: readonly string[] },
): void {
  dropNamed(
    document,
    path,
    from.filter((name) => to.every((one) => one["name"] !== name)),
  );
  for (const one of to.toReversed()) putNamed(document, path, one);
}

/** The account of the pods: the one they have, or one of their own, since others may have the default one. */
function accountOf(document: Document, spec: Path, { namespace: otherwise }: InjectOptions): Account {
  const named = textAt(document, [...spec, "serviceAccountName"]) || textAt(document, [...spec, "serviceAccount"]);
  const namespace = textAt(document, ["metadata", "namespace"]) || otherwise;
  const own = `${nameOf(document)}-keyturn`;
  const name = named === "" || named === "default" ? own : named;
  return { name, isOwn: name === own, ...(namespace !== undefined && { namespace }) };
}

function nameOf(document: Document): string {
  const name = textAt(document, ["metadata", "name"]);
  return name === "" ? textAt(document, ["metadata", "generateName"]).replace(/-$/, "") : name;
}
