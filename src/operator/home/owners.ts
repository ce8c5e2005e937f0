import { isFields, type KubeObject } from "../../kube/object.ts";

/** Where a field stands in a resource: `["spec", "activeKid"]`. */
export type FieldPath = readonly string[];

/** Somebody who has set a field, by `metadata.managedFields`. */
export interface Owner {
  readonly manager: string;
  /** It applies a manifest again and again: what others change it puts back. */
  readonly isDeclarative: boolean;
}

/** Under this name the tools change resources. */
export const ownManager = "keyturn-cli";

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
export function ownersOf({ metadata }: KubeObject, path: FieldPath): readonly Owner[] {
  const entries: readonly unknown[] = Array.isArray(metadata["managedFields"]) ? metadata["managedFields"] : [];
  const found = entries.flatMap((entry) => {
    if (!isFields(entry) || entry["subresource"] === "status" || !holds(entry["fieldsV1"], path)) return [];
    const { manager = "", operation } = entry;
    return typeof manager !== "string" || manager === ownManager ? [] : [ownerOf(manager, operation)];
  });
  return found.filter(({ manager }, index) => found.findIndex((one) => one.manager === manager) === index);
}

/** Whoever applies server-side, and is no person with kubectl, will apply again. */
function ownerOf(manager: string, operation: unknown): Owner {
  const isPerson = manager.startsWith("kubectl");
  return {
    manager,
    isDeclarative: declarative.some((form) => form.test(manager)) || (operation === "Apply" && !isPerson),
  };
}

/** Each field is a member `f:<name>`. */
function holds(fields: unknown, [first, ...rest]: FieldPath): boolean {
  if (first === undefined) return true;
  return isFields(fields) && `f:${first}` in fields && holds(fields[`f:${first}`], rest);
}
