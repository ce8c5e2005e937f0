import { isDeepStrictEqual } from "node:util";
import type { KubeClient } from "../kube/client.ts";
import { keyOf, type KubeObject } from "../kube/object.ts";
import { Reflector } from "../kube/reflector.ts";
import { configMaps, pods, type Resource } from "../kube/resource.ts";
import type { Change, Store } from "../kube/store.ts";
import { lastStatus } from "./past.ts";
import { keyRingAcks, labels, rotations } from "./resources.ts";

export interface WatchesOptions {
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Hears the key of each rotation that something happened to. */
  readonly onKey: (key: string) => void;
  /** Hears the key of each rotation about whose objects or gateways there is news: many may speak at once. */
  readonly onNews: (key: string) => void;
  readonly onProblem: (error: unknown) => void;
}

/** What is watched, beside the rotations: it tells that a pass is due, and never what the pass sees. */
const others: readonly (readonly [Resource, string])[] = [
  [configMaps, `${labels.object}=public`],
  [pods, labels.rotation],
  [keyRingAcks, labels.rotation],
];

/** Everything whose change may give a rotation something to do. Secrets are not: nobody may list all of those for us. */
export class Watches {
  readonly reflectors: readonly Reflector[];
  readonly #rotations: readonly Reflector[];
  readonly #options: WatchesOptions;

  constructor(client: KubeClient, options: WatchesOptions) {
    this.#options = options;
    const scopes = options.namespaces.length === 0 ? [{}] : options.namespaces.map((namespace) => ({ namespace }));
    const { onProblem } = options;
    this.#rotations = scopes.map(
      (selection) =>
        new Reflector({
          client,
          resource: rotations,
          selection,
          onChange: (change) => this.#rotationChanged(change),
          onProblem,
        }),
    );
    const reporters = scopes.flatMap((scope) =>
      others.map(([resource, labelSelector]) => {
        const selection = { ...scope, labelSelector };
        const onChange = (change: Change): void => this.#reporterChanged(change);
        return new Reflector({ client, resource, selection, onChange, onProblem });
      }),
    );
    this.reflectors = [...this.#rotations, ...reporters];
  }

  /** The JwtKeyRotations, wherever they are watched. */
  readonly resources: Pick<Store, "byKey"> = {
    byKey: (key) => this.#rotations.map(({ store }) => store.byKey(key)).find((object) => object !== undefined),
  };

  keys(): readonly string[] {
    return this.#rotations.flatMap(({ store }) => store.list().map(keyOf));
  }

  /** Why what is known may be old, in one line. */
  problem(mostSilenceMs: number): string | undefined {
    if (!this.reflectors.every((one) => one.hasSynced)) return "not every watch has seen the cluster yet";
    const silent = this.reflectors.filter((one) => (one.silenceMs() ?? Infinity) > mostSilenceMs).length;
    return silent === 0 ? undefined : `${silent} of ${this.reflectors.length} watches say nothing`;
  }

  /** Our own reports are no news; that one was wiped is. */
  #rotationChanged(change: Change): void {
    if (change.type === "updated") {
      const { before, object } = change;
      const isWiped = isReported(before) && !isReported(object);
      if (!isWiped && isDeepStrictEqual(wishes(before), wishes(object))) return;
    }
    this.#options.onKey(change.key);
  }

  #reporterChanged(change: Change): void {
    const { object } = change;
    const before = change.type === "updated" ? change.before : undefined;
    for (const name of new Set([rotationOf(object), before && rotationOf(before)])) {
      if (name !== undefined) this.#options.onNews(`${object.metadata.namespace ?? ""}/${name}`);
    }
  }
}

/** What a pass obeys. */
const wishes = ({ metadata: { uid, generation, annotations, deletionTimestamp } }: KubeObject): object => ({
  uid,
  generation,
  annotations,
  deletionTimestamp,
});

const isReported = (resource: KubeObject): boolean => lastStatus(resource).conditions.length > 0;

const rotationOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.[labels.rotation];
