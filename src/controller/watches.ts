import type { KubeClient } from "../kube/client.ts";
import { ApiError, KubeError, mayWorkLater } from "../kube/kube-errors.ts";
import { keyOf, type KubeObject } from "../kube/object.ts";
import { Reflector } from "../kube/reflector.ts";
import { configMaps, metadataOf, pods, type Resource } from "../kube/resource.ts";
import type { CacheChange, ObjectCache } from "../kube/object-cache.ts";
import type { Remark } from "../telemetry/health.ts";
import { withoutManagers } from "../cluster/first-requests.ts";
import { KnownGateways } from "../cluster/known-gateways.ts";
import { lastStatus } from "../cluster/last-status.ts";
import type { GatewaysRead } from "../keeper/observe.ts";
import type { RotationRef } from "../ring/ring.ts";
import { keyRingAcks, labels, rotations } from "../parse/api-names.ts";
import { problemOf, type Sighting, sightingName } from "./sightings.ts";
import { isReported, isSameWish, rotationOf, tellingApart } from "./watched-object.ts";

export interface WatchesOptions {
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Hears the key of each rotation that something happened to. */
  readonly onKey: (key: string) => void;
  /** Hears the key of each rotation on which another controller reports than before. */
  readonly onReporter: (key: string) => void;
  /** Hears the key of each rotation about whose gateways there is news: many may speak at once. */
  readonly onGateway: (key: string) => void;
  /** Hears the key of each rotation whose public object was written, and as what; undefined: it is gone. */
  readonly onPublished: (key: string, object: KubeObject | undefined) => void;
  /** Hears why something can't be seen: once for each reason, until {@link onSeen}. */
  readonly onUnseen: (error: unknown) => void;
  /** Hears what can be seen again. */
  readonly onSeen: (what: string) => void;
}

/** Of a public object nothing is looked at but that it changed. */
const publicObjects = metadataOf(configMaps);

/** What is watched, beside the rotations: it tells that a pass is due, and never what the pass does. */
const others: readonly (readonly [Resource, string])[] = [
  [publicObjects, `${labels.object}=public`],
  [pods, labels.rotation],
  [keyRingAcks, labels.rotation],
];

interface WatchedKind {
  readonly reflector: Reflector;
  readonly resource: Resource;
  /** Absent: all. */
  readonly namespace?: string;
}

/**
 * Everything whose change may give a rotation something to do, namespace by namespace: what can't be seen in one is told, and
 * holds up no other. Secrets are not watched: nobody may list all of those for us.
 */
export class Watches {
  readonly reflectors: readonly Reflector[];
  readonly #watched: readonly WatchedKind[];
  readonly #rotations: readonly Reflector[];
  readonly #options: WatchesOptions;
  readonly #gateways = new KnownGateways();

  constructor(client: KubeClient, options: WatchesOptions) {
    this.#options = options;
    const scopes = options.namespaces.length === 0 ? [{}] : options.namespaces.map((namespace) => ({ namespace }));
    this.#watched = scopes.flatMap((scope) => [
      this.#watch(client, scope),
      ...others.map(([resource, labelSelector]) => this.#watch(client, { ...scope, resource, labelSelector })),
    ]);
    this.reflectors = this.#watched.map(({ reflector }) => reflector);
    this.#rotations = this.#watched.flatMap((one) => (one.resource === rotations ? [one.reflector] : []));
  }

  #watch(
    client: KubeClient,
    scope: { readonly namespace?: string; readonly resource?: Resource; readonly labelSelector?: string },
  ): WatchedKind {
    const { resource = rotations, ...selection } = scope;
    const { namespace } = selection;
    const what = sightingName({ resource: resource.plural, namespace: namespace ?? "" });
    let told: string | undefined;
    const reflector = new Reflector({
      client,
      resource,
      selection,
      kept: resource === rotations ? withoutManagers : tellingApart,
      onChange: (change) =>
        resource === rotations ? this.#rotationChanged(change) : this.#otherChanged(resource, change),
      onProblem: (error) => {
        // Another reason is news: the connection broke, and now the server refuses
        const code = error instanceof KubeError ? error.code : "";
        if (code !== told) this.#options.onUnseen(error);
        told = code;
        // What must not be seen any more is not looked after
        if (resource === rotations && isRefused(error)) this.#tellAll(reflector);
      },
      onRecovery: () => {
        told = undefined;
        this.#options.onSeen(what);
        if (resource === rotations) this.#tellAll(reflector);
      },
    });
    return { reflector, resource, ...(namespace !== undefined && { namespace }) };
  }

  /** The JwtKeyRotations, wherever they are watched and may be seen. */
  readonly resources: Pick<ObjectCache, "byKey"> = {
    byKey: (key) => this.#visible().flatMap(({ store }) => store.byKey(key) ?? [])[0],
  };

  /**
   * The gateways of a rotation and their acks, as the watches have them; undefined while one of them does not see.
   *
   * @param mostSilenceMs - One that says nothing for longer sees nothing
   */
  gatewaysOf(ref: RotationRef, mostSilenceMs: number): GatewaysRead | undefined {
    const watching = this.#watched.filter(
      ({ resource, namespace }) =>
        (resource === pods || resource === keyRingAcks) && (namespace === undefined || namespace === ref.namespace),
    );
    const see = watching.every(({ reflector }) => reflector.hasSynced && !problemOf(reflector, mostSilenceMs));
    return see && watching.length > 0 ? this.#gateways.of(ref) : undefined;
  }

  /** How many rotations there are. */
  get count(): number {
    return this.#visible().reduce((sum, { store }) => sum + store.size, 0);
  }

  keys(): readonly string[] {
    return this.#visible().flatMap(({ store }) => store.list().map(keyOf));
  }

  #visible(): readonly Reflector[] {
    return this.#rotations.filter(({ trouble }) => !isRefused(trouble));
  }

  /** What each watch sees now. One that says nothing for longer than `mostSilenceMs` sees nothing. */
  sightings(mostSilenceMs: number): readonly Sighting[] {
    return this.#watched.map(({ reflector, resource: { plural }, namespace = "" }) => {
      const silenceMs = reflector.silenceMs();
      const problem = problemOf(reflector, mostSilenceMs);
      const facts = { ...(silenceMs !== undefined && { silenceMs }), ...(problem !== undefined && { problem }) };
      return { resource: plural, namespace, ...facts };
    });
  }

  /** Why nothing can be looked after, in one line; or, as a remark, what can't be. */
  problem(mostSilenceMs: number): string | Remark | undefined {
    const unseen = this.sightings(mostSilenceMs).filter(({ problem }) => problem !== undefined);
    const blind = unseen.filter(({ resource }) => resource === rotations.plural);
    const text = (all: readonly Sighting[]): string =>
      all.map((one) => `${sightingName(one)}: ${one.problem ?? ""}`).join("; ");
    if (blind.length === this.#rotations.length) return `nothing to look after can be seen: ${text(blind)}`;
    return unseen.length === 0 ? undefined : { remark: `these can't be seen: ${text(unseen)}` };
  }

  #tellAll({ store }: Reflector): void {
    for (const object of store.list()) this.#options.onKey(keyOf(object));
  }

  /** Reports are no news; that one was wiped is, or that another controller reports. */
  #rotationChanged(change: CacheChange): void {
    if (change.type === "updated") {
      const { before, object } = change;
      const isWiped = isReported(before) && !isReported(object);
      const [last, now] = [before, object].map((one) => lastStatus(one).lease);
      if (last !== undefined && last !== now) this.#options.onReporter(change.key);
      if (!isWiped && isSameWish(before, object)) return;
    }
    this.#options.onKey(change.key);
  }

  #otherChanged(resource: Resource, change: CacheChange): void {
    const { object } = change;
    const { onGateway, onPublished } = this.#options;
    if (resource === keyRingAcks) this.#gateways.ackChanged(change);
    if (resource === pods) this.#gateways.podChanged(change);
    const before = change.type === "updated" ? change.before : undefined;
    for (const name of new Set([rotationOf(object), before && rotationOf(before)])) {
      if (name === undefined) continue;
      const key = `${object.metadata.namespace ?? ""}/${name}`;
      if (resource === publicObjects) onPublished(key, change.type === "deleted" ? undefined : object);
      else onGateway(key);
    }
  }
}

/** The server says no; not that it can't say. */
const isRefused = (error: unknown): boolean => error instanceof ApiError && !mayWorkLater(error);
