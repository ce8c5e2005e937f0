import type { KubeClient } from "../../kube/client.ts";
import type { KubeObject } from "../../kube/object.ts";
import { nameOf } from "../../kube/resource.ts";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { RotationRef } from "../../ring/ring.ts";
import { readRotation, type RefusedRotation, type Rotation } from "../../ring/resource/rotation.ts";
import { rotations } from "../../parse/api-names.ts";
import { listRotations } from "./list-rotations.ts";

export interface RotationResource {
  /** As the API server has it. */
  readonly resource: KubeObject;
  readonly rotation: Rotation | RefusedRotation;
}

/** @throws ChangeNeededError `NoSuchRotation`, with those that there are */
export async function readResource(
  client: KubeClient,
  ref: RotationRef,
  signal?: AbortSignal,
): Promise<RotationResource> {
  const resource = await client.find(rotations, ref, { ...(signal && { signal }) });
  if (!resource) throw await missing(client, ref);
  return { resource, rotation: readRotation(resource, { unknownFields: "warn" }) };
}

async function missing(client: KubeClient, ref: RotationRef): Promise<ChangeNeededError> {
  const others = await listRotations(client, { namespace: ref.namespace }).catch(() => undefined);
  const names = others?.map(({ name }) => name).join(", ");
  const has = names === undefined ? "" : `; namespace "${ref.namespace}" has ${names || "none"}`;
  return new ChangeNeededError("NoSuchRotation", `Cannot find ${nameOf(rotations, ref)}: is not there${has}`);
}
