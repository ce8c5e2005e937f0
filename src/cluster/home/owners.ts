import { type FieldPath, managedFieldsOf } from "../../kube/managed-fields.ts";
import type { KubeObject } from "../../kube/object.ts";
import { toolsManager } from "../../parse/api-names.ts";
import { isPinning, pinPath } from "../pin-owner.ts";

/** Somebody who has set a field, by `metadata.managedFields`. */
export interface Owner {
  readonly manager: string;
  /** It applies a manifest again and again: what others change it puts back. */
  readonly isDeclarative: boolean;
}

/** Tools that apply what stands in a repository, by the names under which they do. */
const declarative = [
  // Under the name of its server acts whoever clicks on an action, and nobody puts that back
  /^argo-?cd(?!-server$)/i,
  /^kustomize-controller$/,
  /^helm-controller$/,
  /^helm$/i,
  /^flux/i,
  /^fleet/i,
  /^kapp/i,
  /^configsync/i,
  /^pulumi/i,
  /^terraform/i,
  /^hashicorp/i,
];

/** Those who set the field, beside the tools themselves. */
export function ownersOf(resource: KubeObject, path: FieldPath): readonly Owner[] {
  const found = managedFieldsOf(resource)
    .filter(({ manager, owns }) => manager !== toolsManager && owns(path))
    .map(({ manager, operation }) => ownerOf(manager, operation));
  return found.filter(({ manager }, index) => found.findIndex((one) => one.manager === manager) === index);
}

/** Whoever applies server-side, and is no person with kubectl, will apply again. */
function ownerOf(manager: string, operation: string): Owner {
  const isPerson = manager.startsWith("kubectl");
  return {
    manager,
    isDeclarative: declarative.some((form) => form.test(manager)) || (operation === "Apply" && !isPerson),
  };
}

/** How a pin beside GitOps ends, which nobody sees by looking at either the cluster or the repository alone: one line, or none. */
export function pinRemarks(resource: KubeObject): readonly string[] {
  const declaring = ownersOf(resource, ["spec"]).filter(({ isDeclarative }) => isDeclarative);
  if (!isPinning(resource) || declaring.length === 0) return [];
  const pinning = ownersOf(resource, pinPath).find(({ isDeclarative }) => isDeclarative);
  if (pinning) return [`the pin belongs to "${pinning.manager}": it ends with a commit that takes spec.activeKid away`];
  const names = declaring.map(({ manager }) => `"${manager}"`).join(" and ");
  return [`the pin is not in what ${names} applies: no commit ends it, "keyturn rollback --unpin" does`];
}
