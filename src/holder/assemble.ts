import { join } from "node:path";
import { nodeDisk } from "../files/disk.ts";
import type { Clock } from "../time/clock.ts";
import type { Endpoint } from "../kube/endpoint.ts";
import type { ProjectionName } from "../ring/codec.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { AckSink } from "./acks/ack-sink.ts";
import type { PodIdentity } from "./acks/cluster-acks.ts";
import { FloorFile } from "./floor.ts";
import type { HolderParts, Watched } from "./ring-holder.ts";
import type { Log } from "../telemetry/log.ts";
import { Directory } from "./sources/directory.ts";
import type { Truth } from "./sources/ring-source.ts";
import type { HolderState, Setup } from "./state.ts";

interface CommonPlan {
  /** The signer object, or the public one: with that nothing is minted. */
  readonly ring: ProjectionName;
  /** `off`: nobody counts on this gateway, and it says nothing. */
  readonly acks: Setup["acks"];
  /** Name of the JwtKeyRotation. */
  readonly rotation?: string;
}

/** Mounts and the API server. */
interface ClusterPlan extends CommonPlan {
  readonly kind: "cluster";
  /** Where the kubelet shows the object. */
  readonly mount?: string;
  /** Name of the object, to be read and watched on the API server. */
  readonly object?: string;
  /** Needed for the object and for acks. */
  readonly api?: { readonly endpoint: Endpoint; readonly namespace: string; readonly userAgent: string };
  /** Needed for acks. */
  readonly pod?: Pick<PodIdentity, "name" | "uid">;
  /** An emptyDir; needed for acks. */
  readonly floorDir?: string;
}

/** The directory that `keyturn standalone` keeps. */
export interface DirectoryPlan extends CommonPlan {
  readonly kind: "directory";
  readonly dir: string;
  /** Names the ack; no two gateways on a directory may have the same. */
  readonly instance: string;
}

export type SourcesPlan = ClusterPlan | DirectoryPlan;

export interface Assembling {
  readonly clock: Clock;
  readonly chance: () => number;
  readonly log: Log;
  /** False: nothing is minted, and no private half is kept. */
  readonly mints: boolean;
  /** The holder's state, once there is one. */
  readonly state: () => HolderState | undefined;
}

export interface Assembled extends Pick<HolderParts, "setup" | "truth" | "mount" | "watch" | "acks" | "floor"> {
  /** Of what was opened for it. */
  close(): void;
}

/** Sources and acks as planned; what a plan doesn't need is not even loaded. @throws ChangeNeededError `PlanUnusable` */
export async function assemble(plan: SourcesPlan, around: Assembling): Promise<Assembled> {
  checkRing(plan.ring, around.mints);
  return plan.kind === "directory" ? onDirectory(plan, around) : onCluster(plan, around);
}

/** @throws ChangeNeededError `PlanUnusable` where it could not mint */
export function checkRing(ring: ProjectionName, mints: boolean): void {
  if (ring === "public" && mints) throw unusable("a gateway with the public ring can't mint: it has no private half");
}

const noSource = "must have a mount, an object of the API, or both";

const unusable = (reason: string): ChangeNeededError =>
  new ChangeNeededError("PlanUnusable", `Cannot run the gateway: ${reason}`);

/** Between three quarters and all of the longest time. */
const paceOf = (chance: () => number): number => 0.75 + chance() * 0.25;

async function onDirectory(plan: DirectoryPlan, { clock, chance, mints, state }: Assembling): Promise<Assembled> {
  const { dir, ring, acks, rotation, instance } = plan;
  const { FileAcks } = await import("./acks/file-acks.ts");
  const disk = nodeDisk();
  const source = new Directory({ disk, dir: join(dir, ring), kind: ring, withHalf: mints, clock });
  const sink = new FileAcks({
    ...{ disk, dir: join(dir, "acks"), instance, nowMs: () => clock.nowMs() },
    rotation: () => rotation ?? state()?.current?.ring.rotation.name,
  });
  return {
    setup: { acks, fenced: true, pace: paceOf(chance), ...(rotation !== undefined && { rotation }) },
    ...{ truth: source, mount: source },
    ...(acks === "required" && { acks: sink }),
    close: () => undefined,
  };
}

async function onCluster(plan: ClusterPlan, around: Assembling): Promise<Assembled> {
  const { ring, acks, rotation, mount, object, floorDir } = plan;
  if (mount === undefined && object === undefined) throw unusable(noSource);
  if (acks === "required" && (rotation === undefined || floorDir === undefined || plan.pod === undefined)) {
    throw unusable("acknowledgements need the rotation's name, the pod's name and uid, and a directory for the floor");
  }
  const { clock, mints } = around;
  const mounted =
    mount === undefined
      ? undefined
      : new Directory({ disk: nodeDisk({ alsoTrusted: "anyone" }), dir: mount, kind: ring, withHalf: mints, clock });
  const api = object !== undefined || acks === "required" ? await onApi(plan, around) : undefined;
  const truth = api?.source ?? mounted;
  if (truth === undefined) throw unusable(noSource);
  return {
    // A mount can be old without anybody knowing
    setup: {
      acks,
      fenced: api?.source !== undefined,
      pace: paceOf(around.chance),
      ...(rotation !== undefined && { rotation }),
    },
    truth,
    ...(mounted && { mount: mounted }),
    ...(api?.source && { watch: api.source }),
    ...(api?.acks && { acks: api.acks }),
    ...(acks === "required" && floorDir !== undefined && { floor: new FloorFile(nodeDisk(), floorDir) }),
    close: () => api?.close(),
  };
}

interface Api {
  readonly source?: Truth & Watched;
  readonly acks?: AckSink;
  readonly close: () => void;
}

async function onApi(plan: ClusterPlan, around: Assembling): Promise<Api> {
  const { api, object, ring, acks, rotation, pod } = plan;
  if (api === undefined) throw unusable("must run in a cluster to read its API, or to acknowledge");
  const { clock, chance, log, mints } = around;
  const { endpoint, namespace, userAgent } = api;
  const [{ Transport }, { KubeClient }] = await Promise.all([
    import("../kube/transport.ts"),
    import("../kube/client.ts"),
  ]);
  const transport = new Transport({ endpoint, clock, chance, userAgent });
  const client = new KubeClient(transport);
  const onProblem = (error: unknown): void =>
    log.debug({ problem: error instanceof Error ? error.message : "unknown" }, "the watch begins anew");
  const ref = { namespace, name: object ?? "" };
  const source =
    object === undefined
      ? undefined
      : new (await import("./sources/api-object.ts")).ApiObject({
          ...{ client, ref, kind: ring, withHalf: mints, onProblem },
        });
  const sink =
    acks === "off" || pod === undefined || rotation === undefined
      ? undefined
      : new (await import("./acks/cluster-acks.ts")).ClusterAcks(client, { namespace, ...pod }, rotation);
  return { ...(source && { source }), ...(sink && { acks: sink }), close: () => transport.close() };
}
