import type { KubeClient } from "../kube/client.ts";
import { isWriteConflict, isNotFound } from "../kube/kube-errors.ts";
import { withoutManagedFields } from "../kube/managed-fields.ts";
import type { KubeObject } from "../kube/object.ts";
import { TryLaterError } from "../errors/keyturn-error.ts";
import { rotations } from "../parse/api-names.ts";

/** The resource as a pass has read it, and with the status that the pass gives it. */
export interface Report {
  readonly before: KubeObject;
  readonly after: KubeObject;
}

/**
 * Writes a status. Returns what stands there now; undefined when the resource is gone.
 *
 * @throws TryLaterError `Conflict` when the resource was edited meanwhile: it gets its own pass, and report
 */
export async function writeReport(
  client: KubeClient,
  { before, after }: Report,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.updateStatus(rotations, withoutManagedFields(after), { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (!isWriteConflict(error)) throw error;
    // The watch may be behind: our own last report is a change as well
    const { uid, generation, namespace = "", name } = before.metadata;
    const now = await client.find(rotations, { namespace, name }, { signal });
    if (now === undefined || now.metadata.uid !== uid || now.metadata.generation !== generation) {
      throw changedMeanwhile();
    }
    const over = { ...now, status: after["status"] };
    return client.updateStatus(rotations, over, { signal }).catch((again: unknown) => {
      throw isWriteConflict(again) ? changedMeanwhile() : again;
    });
  }
}

const changedMeanwhile = (): TryLaterError =>
  new TryLaterError("Conflict", "Cannot write the status: must be as it was read, was changed meanwhile");
