import { type FieldPath, managedFieldsOf } from "../../kube/managed-fields.ts";
import type { KubeObject } from "../../kube/object.ts";
import { toolsManager } from "../../parse/api-names.ts";

/** Somebody who has set a field, by `metadata.managedFields`. */
export interface Owner {
  readonly manager: string;
  /** It applies a manifest again and again: what others change it puts back. */
  readonly isDeclarative: boolean;
}

/** Tools that apply what stands in a repository, by the names under which they do. */
const declarative = [
  /^argocd/i,
  /^argo-?cd/i,
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
