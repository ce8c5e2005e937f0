import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import type { KubeObject } from "../../../../hack/testcluster/client.ts";
import { nodeDisk } from "../../../../src/files/disk.ts";
import { writeDataDir } from "../../../../src/files/data-dir.ts";
import type { Log } from "../../../../src/telemetry/log.ts";
import type { Ports } from "../../../../src/gateway/options.ts";
import { runGateway } from "../../../../src/gateway/run-gateway.ts";
import { type Clock, systemClock } from "../../../../src/time/clock.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { acknowledges } from "../../support/acks.ts";
import { makeServiceAccount } from "../../support/roles.ts";
import { admin, makePod, tokenFor } from "../../support/scene.ts";
import type { RotationHandle } from "../../controller/support/scene.ts";

const accountFor = (secretName: string): string => `${secretName}-sidecar`;

/** Once for each rotation: reads its Secret, acknowledges, and nothing more. */
export const makeSidecarAccount = (namespace: string, secretName: string): Promise<void> =>
  makeServiceAccount(namespace, accountFor(secretName), [
    { apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"], resourceNames: [secretName] },
    ...acknowledges,
  ]);

export interface Token {
  readonly token: string;
  readonly kid: string;
  readonly expiresAtMs: number;
}

interface Setup {
  /** Reads a mount that the test refreshes, and never the API server. @default false */
  readonly mountOnly?: boolean;
  /** The API server's address, through something that a test cuts. @default its own */
  readonly server?: string;
  /** @default the machine's */
  readonly clock?: Clock;
}

/** `keyturn gateway` as the sidecar of a pod that the API server knows, with the pod's own token. */
export class RealGateway {
  readonly name: string;
  readonly uid: string;
  readonly lines: string[] = [];
  readonly #rotation: RotationHandle;
  readonly #folder: string;
  readonly #stop = new AbortController();
  #ports!: Ports;
  #mint = 0;
  #ended!: Promise<void>;

  private constructor(rotation: RotationHandle, pod: KubeObject, folder: string) {
    this.#rotation = rotation;
    this.#folder = folder;
    this.name = pod.metadata.name;
    this.uid = String(pod.metadata.uid);
  }

  /** Resolves when the gateway is Ready, and its pod says so. */
  static async start(rotation: RotationHandle, name: string, setup: Setup = {}): Promise<RealGateway> {
    const { namespace } = rotation;
    const serviceAccountName = accountFor(rotation.name);
    const labels = { "keyturn.dev/rotation": rotation.name };
    const pod = await makePod(namespace, name, { serviceAccountName, metadata: { labels } });
    const folder = await mkdtemp(join(tmpdir(), "keyturn-sidecar-"));
    const gateway = new RealGateway(rotation, pod, folder);
    onTestFinished(() => gateway.#end());
    await gateway.#say("Pending");
    if (setup.mountOnly === true) await gateway.refreshMount();
    await gateway.#run(await tokenFor(namespace, serviceAccountName, pod), setup);
    await gateway.#say("Running");
    return gateway;
  }

  async #run(token: string, { mountOnly = false, server, clock = systemClock }: Setup): Promise<void> {
    const { namespace, name: rotation } = this.#rotation;
    const { connection } = inject("cluster");
    const { ca } = connection;
    const endpoint = fixedEndpoint(server ?? connection.server, { tls: { ...(ca !== undefined && { ca }) }, token });
    const listening = Promise.withResolvers<Ports>();
    const local = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    this.#ended = runGateway({
      sources: {
        ...{ kind: "cluster", ring: "signer", acks: "required", rotation },
        ...(mountOnly ? { mount: this.#mount } : { object: rotation }),
        api: { endpoint, namespace, userAgent: "keyturn-test/1" },
        pod: { name: this.name, uid: this.uid },
        floorDir: join(this.#folder, "floor"),
      },
      ...{ listen: local, adminListen: local, mintListen: local, required: {}, owned: [], drainMs: 0 },
      ...{ clock, chance: Math.random, newId: randomUUID, log: this.#log(), signal: this.#stop.signal },
      onListening: listening.resolve,
    });
    this.#ports = await Promise.race([listening.promise, this.#ended.then(() => Promise.reject(new Error("ended")))]);
    this.#mint = (await this.#ports.mint) ?? 0;
  }

  get #mount(): string {
    return join(this.#folder, "mount");
  }

  /** What the kubelet does once a minute or so. */
  async refreshMount(): Promise<void> {
    const files = await this.#rotation.data("signer");
    await writeDataDir(nodeDisk(), this.#mount, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
  }

  async #say(phase: "Pending" | "Running"): Promise<void> {
    const path = `/api/v1/namespaces/${this.#rotation.namespace}/pods/${this.name}/status`;
    const conditions = [{ type: "Ready", status: phase === "Running" ? "True" : "False" }];
    await admin.merge(path, { status: { phase, startTime: new Date().toISOString(), conditions } });
  }

  async mint(): Promise<Token> {
    const answer = await fetch(`http://127.0.0.1:${this.#mint}/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sub: this.name }),
    });
    const body = await answer.text();
    if (answer.status !== 200) throw new Error(`${this.name} mints no token: ${body}`);
    const { token, kid, expiresAt } = JSON.parse(body) as Record<"token" | "kid" | "expiresAt", string>;
    return { token, kid, expiresAtMs: Date.parse(expiresAt) };
  }

  async verify({ token }: Token): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`http://127.0.0.1:${this.#ports.front}/verify`, { headers })).status;
  }

  fetch(path: string): Promise<Response> {
    const port = path.startsWith("/.well-known") ? this.#ports.front : this.#ports.admin;
    return fetch(`http://127.0.0.1:${port}${path}`);
  }

  async get(path: string): Promise<string> {
    return (await this.fetch(path)).text();
  }

  /** Its KeyRingAck, as the API server has it. */
  ack(): Promise<KubeObject> {
    const { namespace, name } = this.#rotation;
    return admin.get(`/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks/${this.uid}.${name}`);
  }

  #log(): Log {
    const line = (fields: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    return { debug: line, info: line, warn: line, error: line };
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
