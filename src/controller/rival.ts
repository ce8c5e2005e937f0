import type { KubeObject } from "../kube/object.ts";
import { isBefore } from "../kube/resource-version.ts";
import type { Because } from "../ring/lack.ts";
import { lastStatus } from "../cluster/last-status.ts";

/** How soon another controller's report is answered, in milliseconds: both must be heard, and must not write in a loop. */
export const answerMs = 10_000;
/** For so long after its last report another controller counts, in milliseconds. */
const forgetMs = 60_000;

/**
 * Whether another controller, one that holds another Lease, looks after the same rotation: it has reported after we did. Who
 * only takes over from another reports after it, and is not reported after.
 */
export class Rivals {
  /** The resourceVersion of the newest report of ours. */
  #own: string | undefined;
  #rival: { readonly lease: string; readonly seenAtMs: number } | undefined;

  /** @param lease - Ours; `""`: none is held. Monotonic milliseconds. */
  look(resource: KubeObject, lease: string, nowMs: number): void {
    const { lease: by } = lastStatus(resource);
    const { resourceVersion = "" } = resource.metadata;
    if (by === lease) this.#own = isBefore(resourceVersion, this.#own) ? this.#own : resourceVersion;
    else if (by !== undefined && this.#own !== undefined && isBefore(this.#own, resourceVersion)) {
      this.#rival = { lease: by, seenAtMs: nowMs };
    }
    if (this.#rival && nowMs - this.#rival.seenAtMs >= forgetMs) this.#rival = undefined;
  }

  /** What we have written. */
  reported({ metadata }: KubeObject): void {
    this.#own = metadata.resourceVersion;
  }

  /** The other one, as a condition says it. */
  get trouble(): Because | undefined {
    if (!this.#rival) return undefined;
    const { lease } = this.#rival;
    const who = lease === "" ? "one that holds no Lease" : `the one with the Lease "${lease}"`;
    const message = `another controller looks after this rotation, too, ${who}: let one release alone watch the namespace`;
    return { reason: "SeveralControllers", message };
  }
}
