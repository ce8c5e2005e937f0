import { managedFieldsOf, withoutManagedFields } from "../kube/managed-fields.ts";
import type { KubeObject } from "../kube/object.ts";
import type { RotationFrame } from "../ring/resource/rotation.ts";
import { annotations } from "../parse/api-names.ts";
import { lastStatus } from "./last-status.ts";
import { isPinning } from "./pin-owner.ts";

/** Requests that stood there when the resource was made, as {@link requestsOf} names them: whoever made it asks for nothing. */
export function firstRequestsOf(resource: KubeObject, frame: RotationFrame): readonly string[] {
  const { requestID } = frame;
  const { rotateRequestedAt } = frame.annotations;
  // Every edit of a spec is counted: in the first generation stands what stood there at the beginning
  const isFirst = resource.metadata.generation === 1 && requestID !== undefined;
  return [
    ...(isFirst ? [`spec:${requestID}`] : []),
    ...(rotateRequestedAt !== undefined && isMadeWithAnnotation(resource) ? [`annotation:${rotateRequestedAt}`] : []),
  ];
}

/**
 * The resource without `metadata.managedFields`, once it has been reported on, unless it is pinned: nobody asks for them any
 * more.
 */
export const withoutManagers = (resource: KubeObject): KubeObject =>
  lastStatus(resource).conditions.length === 0 || isPinning(resource) ? resource : withoutManagedFields(resource);

/**
 * Annotations are not counted; but who set one together with the spec, and changed nothing since, made the resource with it.
 * Times are whole seconds: what has been reported on was looked at before, and what is new since is asked for.
 */
function isMadeWithAnnotation(resource: KubeObject): boolean {
  if (lastStatus(resource).conditions.length > 0) return false;
  const madeAtMs = Date.parse(resource.metadata.creationTimestamp ?? "");
  return managedFieldsOf(resource).some(
    ({ atMs, owns }) =>
      atMs <= madeAtMs && owns(["spec"]) && owns(["metadata", "annotations", annotations.rotateRequestedAt]),
  );
}
