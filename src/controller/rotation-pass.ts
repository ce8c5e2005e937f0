import { type ClusterPorts, clusterSources } from "../cluster/cluster-sources.ts";
import type { ClusterRead } from "../cluster/cluster-store.ts";
import { isConflict } from "../errors/keyturn-error.ts";
import { type Committed, type PassReport, runPass } from "../keeper/pass.ts";
import type { KubeObject } from "../kube/object.ts";
import type { RefusedRotation, Rotation } from "../ring/resource/rotation.ts";

export interface RotationPassOptions extends ClusterPorts {
  readonly onCommitted?: (committed: Committed) => void;
}

/**
 * One pass over a JwtKeyRotation.
 *
 * @throws TryLaterError `Conflict` when one of the objects was changed meanwhile: the pass is made again at once, and nobody is told
 * @throws KubeError when the API server can't be reached, or refuses what comes before the first write
 */
export async function runRotationPass(
  { onCommitted, ...access }: RotationPassOptions,
  resource: KubeObject,
  rotation: Rotation | RefusedRotation,
): Promise<PassReport<ClusterRead>> {
  const isLeaving = resource.metadata.deletionTimestamp !== undefined;
  const sources = clusterSources(access, resource, rotation);
  const report = await runPass(sources, { isLeaving, ...(onCommitted && { onCommitted }) });
  for (const { error } of report.unwritten) if (isConflict(error)) throw error;
  return report;
}
