import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { nodeDisk } from "../../../src/files/disk.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import type { Files } from "../programs/app.ts";
import { FakeClock } from "../programs/faketime.ts";
import { Gateway } from "../programs/gateway.ts";
import { Wire } from "../programs/wire.ts";
import { gatewayAccount, namespace, rotation, type Site } from "./site.ts";
import { insist } from "./until.ts";

const beatMs = 500;
/** The kubelet refreshes a mount when it comes to it. */
const mountEveryBeats = 4;

/** A pod with a gateway, and its kubelet: runs the program, starts it again, refreshes the mount, says whether it is Ready. */
export class Pod {
  readonly gateway: Gateway;
  readonly wire: Wire;
  readonly clock: FakeClock | undefined;
  readonly uid: string;
  /** While true the kubelet leaves the program alone: nothing that ended is started. */
  isHeld = false;
  readonly #site: Site;
  readonly #folder: string;
  readonly #startTime = new Date().toISOString();
  #said = "";
  #isGone = false;
  #shown: Files | undefined;

  private constructor(
    site: Site,
    object: KubeObject,
    parts: { gateway: Gateway; wire: Wire; folder: string; clock: FakeClock | undefined },
  ) {
    this.#site = site;
    this.uid = String(object.metadata.uid);
    this.gateway = parts.gateway;
    this.wire = parts.wire;
    this.clock = parts.clock;
    this.#folder = parts.folder;
  }

  static async make(site: Site, name: string): Promise<Pod> {
    const folder = join(site.folder, name);
    const account = join(folder, "account");
    await mkdir(account, { recursive: true });
    const object = await insist(() => makeObject(site, name));
    const uid = String(object.metadata.uid);
    const token = await insist(() => site.tokenFor({ namespace, account: gatewayAccount, pod: { name, uid } }));
    const files = { token, "ca.crt": site.ca, namespace };
    for (const [file, text] of Object.entries(files)) await writeFile(join(account, file), text, { mode: 0o600 });
    const wire = await Wire.to(site.port);
    const clock = site.library === undefined ? undefined : await FakeClock.at(site.library, join(folder, "clock"));
    const pod = ["--pod-name", name, "--pod-uid", uid, "--namespace", namespace, "--rotation", rotation];
    const mount = ["--mount", join(folder, "mount"), "--object", rotation, "--floor-dir", join(folder, "floor")];
    const gateway = await Gateway.make({
      ...{ name, folder: site.logs, keyturn: site.podded, source: [...pod, ...mount] },
      env: {
        ...{ KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(wire.port) },
        ...{ SOAK_HOSTNAME: name, SOAK_SERVICE_ACCOUNT: account },
        ...clock?.env,
      },
    });
    const made = new Pod(site, object, { gateway, wire, folder, clock });
    void made.#kubelet();
    return made;
  }

  get name(): string {
    return this.gateway.name;
  }

  async #kubelet(): Promise<void> {
    for (let beat = 0; !this.#isGone; beat++) {
      if (beat % mountEveryBeats === 0) await this.#refreshMount();
      if (!this.gateway.isRunning && !this.isHeld) this.gateway.start();
      const isReady = await this.gateway.isReady();
      if (!isReady) this.gateway.isRouted = false;
      if (await this.#say(isReady)) this.gateway.isRouted = isReady && !this.#isGone;
      await after(beatMs);
    }
  }

  async #refreshMount(): Promise<void> {
    const files = this.#site.signerFiles();
    if (files === undefined || files === this.#shown) return;
    this.#shown = files;
    await writeDataDir(nodeDisk(), join(this.#folder, "mount"), {
      files,
      mode: 0o600,
      dirMode: 0o700,
      nowMs: Date.now(),
    });
  }

  /** Writes the pod's status when it changes. @returns whether the API server has it as it is */
  async #say(isReady: boolean): Promise<boolean> {
    const { starts } = this.gateway;
    const said = `${isReady} ${starts}`;
    if (said === this.#said) return true;
    const state = { running: { startedAt: new Date().toISOString() } };
    const facts = { name: "main", image: "none", imageID: "none", ready: isReady, restartCount: starts - 1, state };
    const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
    const status = { phase: "Running", startTime: this.#startTime, conditions, containerStatuses: [facts] };
    const path = `/api/v1/namespaces/${namespace}/pods/${this.name}/status`;
    const isSaid = await this.#site.admin.merge(path, { metadata: { uid: this.uid }, status }).then(
      () => true,
      () => false,
    );
    if (isSaid) this.#said = said;
    return isSaid;
  }

  /** Its status is said once more: the API server has forgotten it. */
  sayAgain(): void {
    this.#said = "";
  }

  /** The object goes at once, as by `kubectl delete --force`; the program lives on, and no traffic is sent to it. */
  async removeObject(): Promise<void> {
    this.#isGone = true;
    this.gateway.isRouted = false;
    const path = `/api/v1/namespaces/${namespace}/pods/${this.name}`;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: this.uid } };
    await insist(() => this.#site.removed(path, options));
  }

  /** Ends the program as the kubelet does, and lets go of the rest. */
  async end(): Promise<void> {
    this.#isGone = true;
    this.gateway.child?.signal("SIGCONT");
    await this.gateway.end("SIGTERM");
    this.wire.close();
    this.gateway.close();
  }
}

function makeObject({ admin }: Site, name: string): Promise<KubeObject> {
  return admin.create(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, labels: { "keyturn.dev/rotation": rotation } },
    spec: {
      serviceAccountName: gatewayAccount,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: "registry.example/none" }],
    },
  });
}
