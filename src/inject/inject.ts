import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { mustFit } from "./fit.ts";
import {
  dropNamed,
  mapAt,
  manifestOf,
  newPart,
  type Part,
  type Path,
  putNamed,
  readManifest,
  textAt,
  unfold,
  valueAt,
} from "./manifest.ts";
import { accountObject, type Account, rightsOf } from "./rights.ts";
import { issuerVolumeName, sidecarContainer, type SidecarOptions, sidecarVolumes } from "./sidecar.ts";
import { labels } from "../parse/api-names.ts";

export interface InjectOptions extends SidecarOptions {
  /** Of what is added, where the manifest names none. */
  readonly namespace?: string;
}

export interface Injected {
  /** The manifest: what it was, the sidecar in its workloads, and the rights that they need. */
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
 * Puts the gateway beside the application in every workload of the manifest. Injecting again changes nothing, or brings up to date what was
 * injected. Other documents stay to the last byte, comments everywhere.
 *
 * @throws ChangeNeededError when the text is no manifest, has no workload, or has one beside which the gateway does not fit
 */
export function inject(text: string, options: InjectOptions): Injected {
  const parts = readManifest(text).filter(
    (part) => textAt(part.document, ["metadata", "labels", labels.sidecar]) === "",
  );
  const notes: string[] = [];
  const rights = new Map<string, Part>();
  for (const part of parts) {
    const pod = podPathOf(part);
    if (pod === undefined) continue;
    const account = addSidecar(part, { pod, options, notes });
    for (const fields of [...(account.isOwn ? [accountObject(account, options)] : []), ...rightsOf(account, options)]) {
      rights.set(`${fields.kind} ${account.namespace ?? ""} ${fields.metadata.name}`, newPart({ ...fields }));
    }
  }
  if (rights.size === 0) {
    const kinds = [...podPaths.keys()].join(", ");
    throw new ChangeNeededError("NoWorkload", `Cannot inject: the manifest must have a workload (${kinds}), has none`);
  }
  return { manifest: manifestOf([...parts, ...rights.values()]), notes: [...new Set(notes)] };
}

interface Adding {
  /** Where the pod stands. */
  readonly pod: Path;
  readonly options: InjectOptions;
  readonly notes: string[];
}

function addSidecar(part: Part, { pod, options, notes }: Adding): Account {
  const { document } = part;
  const spec = [...pod, "spec"];
  const name = nameOf(document);
  mustFit(document, { spec, name }, options);
  part.text = undefined;
  unfold(part);
  if (options.acks === "off") mapAt(document, [...pod, "metadata"]).deleteIn(["labels", labels.rotation]);
  else mapAt(document, [...pod, "metadata", "labels"]).set(labels.rotation, options.rotation);
  const account = accountOf(document, spec, options);
  const own = mapAt(document, spec);
  if (account.isOwn) own.set("serviceAccountName", account.name);
  notes.push(...remarks(document, { spec, name, account }));
  // The application has no business with the token of an account that may read the keys
  if (!own.has("automountServiceAccountToken")) own.set("automountServiceAccountToken", false);
  putNamed(document, [...spec, "initContainers"], sidecarContainer(options));
  for (const volume of sidecarVolumes(options).toReversed()) putNamed(document, [...spec, "volumes"], volume);
  // Injected before, with a ConfigMap for which a pod would wait
  if (options.issuerToken === undefined) dropNamed(document, [...spec, "volumes"], issuerVolumeName);
  return account;
}

/** The account of the pods: the one they have, or one of their own, since others may have the default one. */
function accountOf(document: Document, spec: Path, options: InjectOptions): Account {
  const named = textAt(document, [...spec, "serviceAccountName"]) || textAt(document, [...spec, "serviceAccount"]);
  const namespace = textAt(document, ["metadata", "namespace"]) || options.namespace;
  const own = `${nameOf(document)}-keyturn`;
  const name = named === "" || named === "default" ? own : named;
  return { name, isOwn: name === own, ...(namespace !== undefined && { namespace }) };
}

function nameOf(document: Document): string {
  const name = textAt(document, ["metadata", "name"]);
  return name === "" ? textAt(document, ["metadata", "generateName"]).replace(/-$/, "") : name;
}

interface Seen {
  readonly spec: Path;
  readonly name: string;
  readonly account: Account;
}

function remarks(document: Document, { spec, name, account }: Seen): readonly string[] {
  const mounts = valueAt(document, [...spec, "automountServiceAccountToken"]);
  const found: readonly (readonly [boolean, string])[] = [
    [mounts === undefined, "the application gets no API token any more (automountServiceAccountToken: false)"],
    [mounts === true, "the application gets an API token with which it can read the keys, too"],
    [!account.isOwn, `every pod of the service account "${account.name}" may read the keys from now on`],
    [
      valueAt(document, [...spec, "shareProcessNamespace"]) === true,
      "the application can look into the sidecar's process (shareProcessNamespace: true)",
    ],
    [
      account.namespace === undefined,
      `the manifest names no namespace: the rights are for "default"; --namespace names another`,
    ],
  ];
  return found.flatMap(([holds, text]) => (holds ? [`${name}: ${text}`] : []));
}
