import type { Precheck } from "../../keeper/home.ts";
import type { FieldPath } from "../../kube/managed-fields.ts";
import type { KubeObject } from "../../kube/object.ts";
import { keyOf } from "../../kube/object.ts";
import { type Edit, editedPaths, editManifest } from "./edit.ts";
import { ownersOf } from "./owners.ts";

/** Says who else sets the fields of the edit, and when one belongs to a tool that would put it back, what to commit instead. */
export function precheckOf(edit: Edit, resource: KubeObject): Precheck {
  const name = keyOf(resource);
  const owned = editedPaths(edit).map((path) => ({ field: fieldText(path), owners: ownersOf(resource, path) }));
  const notes = owned.flatMap(({ field, owners }) =>
    owners.map(({ manager, isDeclarative }) => {
      if (isDeclarative) return `${field} of ${name} belongs to "${manager}", which may put it back`;
      const rest =
        manager === "kubectl-client-side-apply" ? ": change the manifest, too, or the next kubectl apply does" : "";
      return `${field} of ${name} was set by "${manager}"${rest}`;
    }),
  );
  const [first] = owned.flatMap(({ field, owners }) =>
    owners.filter((one) => one.isDeclarative).map(({ manager }) => ({ field, manager })),
  );
  if (!first) return { notes };
  const { field, manager } = first;
  const why = `Cannot change ${field} of ${name}: it belongs to "${manager}", which would put it back; commit what is printed instead, or change it here with --force`;
  return { notes, elsewhere: { why, manifest: editManifest(edit, resource) } };
}

/** `spec.activeKid`, `metadata.annotations[keyturn.dev/rotate-requested-at]`. */
const fieldText = (path: FieldPath): string =>
  path.map((part, index) => (/^\w+$/.test(part) ? `${index === 0 ? "" : "."}${part}` : `[${part}]`)).join("");
