import type { Document } from "yaml";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quoted } from "../errors/quote.ts";
import { annotations } from "../parse/api-names.ts";
import { type Members, membersOf } from "../parse/object.ts";
import { type Part, type Path, textAt, valueAt } from "./manifest.ts";

/** An object of a manifest that makes pods. */
export interface Workload {
  readonly part: Part;
  readonly kind: string;
  readonly name: string;
  /** Absent: the manifest names none. */
  readonly namespace?: string;
  /** Its own, by which `kubectl get -l` finds it. */
  readonly labels: Members;
  /** Where the pod stands: what has `metadata` and `spec`. */
  readonly pod: Path;
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
  ["argoproj.io/v1alpha1 Rollout", template],
]);

/** For people: `v1 Pod, apps/v1 Deployment, …`. */
export const workloadText = [...podPaths.keys()].join(", ");

/** Their kinds. */
export const workloadKinds: readonly string[] = [...podPaths.keys()].map((one) => one.replace(/^.* /, ""));

/** Undefined for any other object, and for a Rollout that has its pods from a Deployment: that one is the workload. */
export function workloadIn(part: Part): Workload | undefined {
  const { document } = part;
  const kind = textAt(document, ["kind"]);
  const pod = podPaths.get(`${textAt(document, ["apiVersion"])} ${kind}`);
  if (pod === undefined || valueAt(document, ["spec", "workloadRef"]) !== undefined) return undefined;
  const namespace = textAt(document, ["metadata", "namespace"]);
  return {
    ...{ part, kind, pod, name: nameOf(document) },
    ...(namespace !== "" && { namespace }),
    labels: membersOf(valueAt(document, ["metadata", "labels"])),
  };
}

function nameOf(document: Document): string {
  const name = textAt(document, ["metadata", "name"]);
  return name === "" ? textAt(document, ["metadata", "generateName"]).replace(/-$/, "") : name;
}

/** Such a workload runs before what a sidecar needs is there: its account and the rights. */
const hooks = ["helm.sh/hook", "argocd.argoproj.io/hook"];

/**
 * The annotation that says that no sidecar is wanted: of the workload, or of its pods. One of a hook says so, where nothing else is said.
 *
 * @throws ChangeNeededError where it says neither yes nor no
 */
export function optOutOf({ part: { document }, pod, name }: Workload): string | undefined {
  const annotation = (at: Path, key: string): unknown => valueAt(document, [...at, "metadata", "annotations", key]);
  const said = [[], pod].map((at) => annotation(at, annotations.inject)).filter((one) => one !== undefined);
  if (said.some((one) => one !== "disabled" && one !== "enabled")) {
    throw new ChangeNeededError(
      "WorkloadUnfit",
      `Cannot inject into ${quoted(name)}: the annotation ${annotations.inject} must be "disabled" or "enabled"`,
    );
  }
  if (said.includes("disabled")) return annotations.inject;
  return said.length > 0 ? undefined : hooks.find((key) => annotation([], key) !== undefined);
}
