import { setTimeout as after } from "node:timers/promises";
import { ApiError } from "../../../hack/testcluster/client.ts";
import type { Chance } from "../chance.ts";
import type { Diary } from "../judge/diary.ts";
import type { Ledger } from "../judge/ledger.ts";
import { type Files, privateHalves } from "../programs/app.ts";
import type { Gateway } from "../programs/gateway.ts";
import { printsOf } from "../programs/child.ts";
import type { Prints } from "../report.ts";
import { Controller } from "./controller.ts";
import { pairsWork } from "./pairs.ts";
import { Pod } from "./pod.ts";
import { spec } from "./settings.ts";
import {
  acksPath,
  controllerNamespace,
  filesIn,
  objectPath,
  podsPath,
  rotation,
  resourcePath,
  type Site,
} from "./site.ts";
import { type Tool, toolOf } from "./tools.ts";
import { insist } from "./until.ts";

export interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly activeKid?: string;
  readonly keys?: readonly { readonly kid: string; readonly state: string }[];
  readonly gateways?: { readonly summary: string };
  readonly revocations?: readonly { readonly kid: string; readonly acknowledged?: boolean }[];
}

const replicas = 3;
const lookEveryMs = 500;
/** An application that has not seen its mount for longer does not sign: it must take over a new key within the propagation wait. */
const mountLifeMs = 3500;

/** Two controllers, gateways in pods, an API server, and who looks after them. */
export class ClusterWorld {
  readonly side = "cluster";
  readonly site: Site;
  readonly ledger: Ledger;
  readonly diary: Diary;
  readonly tool: Tool;
  controllers: readonly Controller[] = [];
  pods: readonly Pod[] = [];
  /** Programs whose pod was deleted by force, and that live on. */
  ghosts: readonly Pod[] = [];
  /** What the person wants, who keeps it in git. */
  desired: Readonly<Record<string, unknown>> = spec;
  readonly #taken = new Set<Pod>();
  #made = 0;
  #edits = 0;
  #isOver = false;
  #lookedAtMs = 0;
  #looking: Promise<void> | undefined;

  constructor(site: Site, { ledger, diary }: { readonly ledger: Ledger; readonly diary: Diary }) {
    this.site = site;
    this.ledger = ledger;
    this.diary = diary;
    this.tool = toolOf(site.keyturn, { KUBECONFIG: site.cluster.kubeConfigFile });
  }

  async start(): Promise<void> {
    for (const name of ["controller-1", "controller-2"])
      this.controllers = [...this.controllers, await Controller.make(this.site, name)];
    await this.applyDesired();
    for (let count = 0; count < replicas; count++) await this.addPod();
    this.#looking = this.#look();
  }

  /** A pod that nothing else is wrong with; nobody else gets it until the function that comes with it is called. */
  take(chance: Chance): { readonly pod: Pod; readonly giveBack: () => void } {
    const pod = chance.of(this.pods.filter((one) => !this.#taken.has(one)));
    this.#taken.add(pod);
    return { pod, giveBack: () => void this.#taken.delete(pod) };
  }

  async addPod(): Promise<Pod> {
    const pod = await Pod.make(this.site, `gateway-${++this.#made}`);
    this.pods = [...this.pods, pod];
    this.diary.note(`${pod.name} is there`);
    return pod;
  }

  /** Another pod in this one's place, as a deployment does it. */
  async replace(pod: Pod): Promise<void> {
    await this.addPod();
    await this.retire(pod);
  }

  /** Ends the program, then the object goes. */
  async retire(pod: Pod): Promise<void> {
    this.pods = this.pods.filter((one) => one !== pod);
    await pod.end();
    await pod.removeObject();
    this.diary.note(`${pod.name} is gone`);
  }

  gateways = (): readonly Gateway[] => [...this.pods, ...this.ghosts].map(({ gateway }) => gateway);

  /** What each process takes now. */
  prints = (): Prints =>
    printsOf([...this.controllers, ...this.pods.map(({ gateway }) => gateway)].map(({ name, child }) => [name, child]));

  /** What an application signs with. */
  files = (): Files | undefined => (Date.now() - this.#lookedAtMs < mountLifeMs ? this.site.signerFiles() : undefined);

  /** Those that the person wants revoked. */
  get revokedKids(): readonly { readonly kid: string; readonly reason: string }[] {
    return (this.desired["revokedKids"] ?? []) as readonly { kid: string; reason: string }[];
  }

  async status(): Promise<{ readonly generation: number; readonly status: Status }> {
    const object = await this.site.found(resourcePath);
    const { generation = 0 } = (object?.metadata ?? {}) as { generation?: number };
    return { generation, status: object?.["status"] ?? {} };
  }

  /** Changes what is wanted, and applies the change. @throws ApiError when the API server refuses it: then it is not wanted */
  async edit(change: Readonly<Record<string, unknown>>): Promise<void> {
    const before = this.desired;
    this.desired = merged(before, change) as Readonly<Record<string, unknown>>;
    try {
      await insistUnlessRefused(() => this.site.admin.merge(resourcePath, { spec: change }));
    } catch (error) {
      this.desired = before;
      throw error;
    }
  }

  /** As Argo CD does after a cluster was restored. */
  async applyDesired(): Promise<void> {
    const wanted = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", spec: this.desired };
    const folder = resourcePath.slice(0, resourcePath.lastIndexOf("/"));
    await insist(async () => {
      const found = await this.site.found(resourcePath);
      if (found === undefined) await this.site.admin.create(folder, { ...wanted, metadata: { name: rotation } });
      else await this.site.admin.replace(resourcePath, { ...wanted, metadata: found.metadata });
    });
  }

  /** Which controller has the Lease. */
  async leader(): Promise<Controller> {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${controllerNamespace}/leases/keyturn-controller`;
    const lease = await insist(() => this.site.admin.get<{ spec: { holderIdentity?: string } }>(path));
    const found = this.controllers.find(({ name }) => lease.spec.holderIdentity?.startsWith(`${name}_`));
    const [first] = this.controllers;
    if (first === undefined) throw new Error("there is no controller");
    return found ?? first;
  }

  /** The kubelet's and the judge's look at the API server. */
  async #look(): Promise<void> {
    while (!this.#isOver) {
      await this.#lookOnce().catch(() => undefined);
      await after(lookEveryMs);
    }
  }

  async #lookOnce(): Promise<void> {
    const askedAtMs = Date.now();
    await this.site.readSigner();
    this.#lookedAtMs = askedAtMs;
    const files = filesIn(await this.site.found(objectPath("signer")));
    if (files) this.ledger.signers(privateHalves(files), "the signer Secret");
    const { status } = await this.status();
    this.ledger.signers((status.keys ?? []).filter(({ state }) => state === "Active").length, "the status");
    for (const { kid, acknowledged } of status.revocations ?? [])
      if (acknowledged === true) this.ledger.acknowledgedByAll(kid);
    const acks = await this.site.admin.get<{ items: readonly Ack[] }>(acksPath);
    for (const { podName, generation, verifies } of acks.items)
      if (generation > 0) this.ledger.acknowledged(podName, verifies);
  }

  /** What keeps this world from being healthy, or undefined. */
  async ails(): Promise<string | undefined> {
    const { generation, status } = await this.status();
    const ready = status.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status !== "True")
      return `Ready is ${ready?.status ?? "not there"}: ${ready?.reason ?? ""}, ${ready?.message ?? ""}`;
    if (status.observedGeneration !== generation)
      return `the status is of ${String(status.observedGeneration)}, the spec of ${generation}`;
    const all = `${this.pods.length}/${this.pods.length}`;
    if (status.gateways?.summary !== all) return `gateways are ${status.gateways?.summary ?? "not told"}, not ${all}`;
    const away = this.pods.find(({ gateway }) => !gateway.isRouted);
    if (away) return `${away.name} is not Ready`;
    for (const controller of this.controllers)
      if (!(await controller.isReady())) return `${controller.name} is not ready`;
    const files = filesIn(await this.site.found(objectPath("signer")));
    if (privateHalves(files ?? {}) !== 1) return "the signer Secret has no signer";
    const undone = this.revokedKids.find(
      ({ kid }) => !(status.revocations ?? []).some((one) => one.kid === kid && one.acknowledged),
    );
    if (undone) return `the revocation of ${undone.kid} is not acknowledged`;
    const open = (await this.site.found(objectPath("public")))?.["data"] as Files | undefined;
    return pairsWork(
      this.pods.map(({ gateway }) => gateway),
      open?.["jwks.json"],
    );
  }

  /** An edit that changes nothing of consequence: whoever hears it reports on it. A schedule that goes on alone proves no ears. */
  async proveEars(): Promise<void> {
    await this.edit({ secretTemplate: { annotations: { "soak.example/edit": String(++this.#edits) } } });
  }

  /** Pods that the API server forgot are replaced, those that it has again and nobody runs are deleted. */
  async reconcilePods(): Promise<void> {
    const { items } = await insist(() =>
      this.site.admin.get<{ items: readonly { metadata: { name: string; uid: string } }[] }>(podsPath),
    );
    for (const { metadata } of items)
      if (!this.pods.some(({ uid }) => uid === metadata.uid))
        await insist(() => this.site.removed(`${podsPath}/${metadata.name}`, { gracePeriodSeconds: 0 }));
    for (const pod of this.pods) {
      if (items.some(({ metadata }) => metadata.uid === pod.uid)) pod.sayAgain();
      else await this.replace(pod);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#looking;
    await Promise.all([...this.pods, ...this.ghosts, ...this.controllers].map((one) => one.end()));
    this.site.admin.close();
  }
}

interface Ack {
  readonly podName: string;
  readonly generation: number;
  readonly verifies: readonly string[];
}

async function insistUnlessRefused(action: () => Promise<unknown>): Promise<void> {
  const refused = await insist(() =>
    action().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof ApiError && [400, 403, 422].includes(error.status)) return error;
        throw error;
      },
    ),
  );
  if (refused) throw refused;
}

/** RFC 7396. */
function merged(before: unknown, change: unknown): unknown {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const start = typeof before === "object" && before !== null && !Array.isArray(before) ? before : {};
  const result = new Map<string, unknown>(Object.entries(start));
  for (const [name, value] of Object.entries(change))
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  return Object.fromEntries(result);
}
