import type { Document } from "yaml";
import { ChangeNeededError } from "../ring/errors.ts";
import { hasList, type Path, put, putNamed, listAt, readManifest, manifestOf, textAt, valueAt } from "./manifest.ts";
import { accountObject, type Account, rightsOf } from "./rights.ts";
import {
  isFields,
  rotationLabel,
  sidecarContainer,
  sidecarName,
  type SidecarOptions,
  sidecarVolumes,
} from "./sidecar.ts";

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

/** Where the pod stands in a workload, by its kind. */
const podPaths: Readonly<Record<string, Path>> = {
  Pod: [],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  ...Object.fromEntries(
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"].map((kind) => [kind, ["spec", "template"]]),
  ),
};

/**
 * Puts the gateway beside the application in every workload of the manifest. Injecting again changes nothing, or brings up to date what was
 * injected; comments and other documents stay.
 *
 * @throws ChangeNeededError when the text is no manifest, has no workload, or has one beside which the gateway does not fit
 */
export function inject(text: string, options: InjectOptions): Injected {
  const documents = readManifest(text);
  const workloads = documents.filter((document) => textAt(document, ["kind"]) in podPaths);
  if (workloads.length === 0) {
    const kinds = Object.keys(podPaths).join(", ");
    throw new ChangeNeededError("NoWorkload", `Cannot inject: the manifest must have a workload (${kinds}), has none`);
  }
  const notes: string[] = [];
  for (const workload of workloads) {
    const { account, isNew } = addSidecar(workload, options, notes);
    for (const fields of [...(isNew ? [accountObject(account)] : []), ...rightsOf(account, options)]) {
      put(documents, fields);
    }
    if (account.namespace === undefined) {
      notes.push(`the manifest names no namespace: its rights are for "default"; --namespace names another`);
    }
  }
  return { manifest: manifestOf(documents), notes: [...new Set(notes)] };
}

function addSidecar(workload: Document, options: InjectOptions, notes: string[]) {
  const pod = podPaths[textAt(workload, ["kind"])] ?? [];
  const spec = [...pod, "spec"];
  const name = textAt(workload, ["metadata", "name"]);
  if (!hasList(workload, [...spec, "containers"])) {
    throw new ChangeNeededError("WorkloadUnfit", `Cannot inject into ${quoted(name)}: must have containers`);
  }
  mustFit(workload, [...spec, "containers"], { name, options });

  workload.setIn([...pod, "metadata", "labels", rotationLabel], options.rotation);
  const account = accountOf(workload, spec, options);
  if (account.isNew) workload.setIn([...spec, "serviceAccountName"], account.account.name);
  // The application has no business with the token of an account that may read the keys
  if (!workload.hasIn([...spec, "automountServiceAccountToken"])) {
    workload.setIn([...spec, "automountServiceAccountToken"], false);
    notes.push(`${name}: the application gets no API token any more (automountServiceAccountToken: false)`);
  } else if (valueAt(workload, [...spec, "automountServiceAccountToken"]) === true) {
    notes.push(`${name}: the application gets an API token with which it can read the keys, too`);
  }
  putNamed(workload, [...spec, "initContainers"], sidecarContainer(options));
  for (const volume of sidecarVolumes(options).toReversed()) putNamed(workload, [...spec, "volumes"], volume);
  return account;
}

/** Ports and the container's name must be free. */
function mustFit(
  workload: Document,
  path: Path,
  { name, options: { port, adminPort } }: { readonly name: string; readonly options: InjectOptions },
): void {
  const containers = listAt(workload, path);
  const used = containers.flatMap(({ ports }) => (Array.isArray(ports) ? ports : []) as readonly unknown[]);
  for (const [flag, wanted] of Object.entries({ "--port": port, "--admin-port": adminPort })) {
    if (!used.some((one) => isFields(one) && one["containerPort"] === wanted)) continue;
    throw new ChangeNeededError(
      "PortTaken",
      `Cannot inject into ${quoted(name)}: port ${wanted} must be free, the application has it; ${flag} takes another`,
    );
  }
  if (containers.some((one) => one["name"] === sidecarName)) {
    throw new ChangeNeededError(
      "WorkloadUnfit",
      `Cannot inject into ${quoted(name)}: a container must not be named "${sidecarName}" already; remove it`,
    );
  }
}

/** The account of the pods: the one they have, or one of their own, since others may have the default one. */
function accountOf(workload: Document, spec: Path, options: InjectOptions) {
  const named = textAt(workload, [...spec, "serviceAccountName"]);
  const namespace = textAt(workload, ["metadata", "namespace"]) || options.namespace;
  const own = `${textAt(workload, ["metadata", "name"])}-keyturn`;
  const account: Account = {
    name: named === "" || named === "default" ? own : named,
    ...(namespace !== undefined && { namespace }),
  };
  return { account, isNew: account.name === own };
}

const quoted = (text: string): string => JSON.stringify(text);
