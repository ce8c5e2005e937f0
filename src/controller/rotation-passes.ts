import { type ClusterPorts, clusterSources } from "../cluster/cluster-sources.ts";
import type { ClusterRead, ClusterStore } from "../cluster/cluster-store.ts";
import { isConflict } from "../errors/keyturn-error.ts";
import type { GatewaysRead, Sources } from "../keeper/observe.ts";
import { carryOut, type Committed, type Look, lookAt, type PassReport } from "../keeper/pass.ts";
import type { RingStore, Snapshot } from "../keeper/store.ts";
import type { KubeObject } from "../kube/object.ts";
import type { RefusedRotation, Rotation } from "../ring/resource/rotation.ts";

export interface RotationPassOptions extends ClusterPorts {
  /** The gateways as the watches have them; undefined: they must be read. */
  readonly knownGateways?: () => GatewaysRead | undefined;
  readonly onCommitted?: (committed: Committed) => void;
}

type ClusterPass = PassReport<ClusterRead>;

/** The passes of one turn over a JwtKeyRotation: one that reads everything, and those that go on from what it has written. */
export class RotationPasses {
  readonly #options: RotationPassOptions;
  readonly #sources: Sources<ClusterRead>;
  readonly #isLeaving: boolean;

  constructor(options: RotationPassOptions, resource: KubeObject, rotation: Rotation | RefusedRotation) {
    this.#options = options;
    this.#sources = clusterSources(options, resource, rotation);
    this.#isLeaving = resource.metadata.deletionTimestamp !== undefined;
  }

  /**
   * A pass that begins from nothing. Whether there is anything to do is asked of the gateways as the watches have them; what
   * is done is decided by what is read.
   *
   * @throws TryLaterError `Conflict` when one of the objects was changed meanwhile: the pass is made again at once, and nobody is told
   * @throws KubeError when the API server can't be reached, or refuses what comes before the first write
   */
  async first(): Promise<ClusterPass> {
    const { store, knownGateways } = this.#options;
    const known = knownGateways?.();
    const report = known && (await this.#twice(this.#sources, known));
    return report ?? this.#carryOut(await lookAt(this.#sources), store);
  }

  /**
   * The next pass after one that wrote: the projections and the ring are those that it left behind, for an answer to a write is a
   * reading. Undefined where all must be read anew.
   *
   * @throws as {@link first}
   */
  next({ seen, unwritten }: ClusterPass): Promise<ClusterPass | undefined> {
    if (unwritten.length > 0 || seen.unseen !== undefined) return Promise.resolve(undefined);
    const store = new LeftBehind(this.#options.store, seen.snapshot);
    // They said nothing yet of what was just written; when they do, their acks wake the controller
    return this.#twice({ ...this.#sources, store }, { gateways: seen.observation.gateways, warnings: [] });
  }

  /**
   * Looks with the gateways that are known. Where something is to be done, they are read, and so after the projections; what is
   * then written into the ring is written over the version that was read before, so the ring is as if it had been read last.
   * Undefined where that does not do: what would stall it may come from what another leader has written meanwhile.
   */
  async #twice(sources: Sources<ClusterRead>, known: GatewaysRead): Promise<ClusterPass | undefined> {
    const rested = await lookAt({ ...sources, readGateways: () => Promise.resolve(known) });
    if (isAtRest(rested)) return this.#carryOut(rested, sources.store);
    const store = new LeftBehind(this.#options.store, rested.seen.snapshot);
    const look = await lookAt({ ...sources, store });
    if (look.decision.kind !== "plan" || look.seen.unseen !== undefined) return undefined;
    return this.#carryOut(look, store);
  }

  async #carryOut(look: Look<ClusterRead>, store: RingStore<ClusterRead>): Promise<ClusterPass> {
    const { onCommitted } = this.#options;
    const report = await carryOut(look, store, { isLeaving: this.#isLeaving, ...(onCommitted && { onCommitted }) });
    for (const { error } of report.unwritten) if (isConflict(error)) throw error;
    return report;
  }
}

const isAtRest = ({ decision }: Look): boolean => decision.kind === "plan" && decision.plan.steps.length === 0;

/** The store, whose objects are read as it left them behind. */
class LeftBehind implements RingStore<ClusterRead> {
  readonly #store: ClusterStore;
  readonly #seen: Snapshot<ClusterRead>;

  constructor(store: ClusterStore, seen: Snapshot<ClusterRead>) {
    this.#store = store;
    this.#seen = seen;
  }

  read: RingStore<ClusterRead>["read"] = (role, identity) => this.#store.readLeft(role, identity, this.#seen);
  commit: RingStore<ClusterRead>["commit"] = (next, seen) => this.#store.commit(next, seen);
  publish: RingStore<ClusterRead>["publish"] = (object, next, seen) => this.#store.publish(object, next, seen);
  relabel = (role: Parameters<ClusterStore["relabel"]>[0], seen: Snapshot<ClusterRead>) =>
    this.#store.relabel(role, seen);
  setsAside: RingStore<ClusterRead>["setsAside"] = (next, seen) => this.#store.setsAside(next, seen);
}
