import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { root } from "../../../../hack/run.ts";
import { readManifests } from "../../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../../hack/testcluster/client.ts";
import { systemClock } from "../../../../src/time/clock.ts";
import type { Endpoint } from "../../../../src/kube/endpoint.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { runController, type ControllerOptions } from "../../../../src/controller/run-controller.ts";
import { guardRings } from "../../support/policies.ts";
import { makeServiceAccount, type RoleRule } from "../../support/roles.ts";
import { admin, makeNamespace, sees, tokenFor } from "../../support/scene.ts";

export const account = "keyturn-controller";

/** A namespace with the controller's service account, which may do what policies/rbac.yaml says, and nothing more. */
export interface Scene {
  readonly namespace: string;
  readonly endpoint: Endpoint;
}

/** The rules of policies/rbac.yaml: of the ClusterRole, and of the Role for the Lease. */
export async function controllerRules(): Promise<readonly RoleRule[]> {
  const manifests = await readManifests(join(root, "policies/rbac.yaml"));
  return manifests.flatMap(({ rules = [] }) => rules as readonly RoleRule[]);
}

export async function makeScene(prefix: string): Promise<Scene> {
  const namespace = await makeNamespace(prefix);
  await makeServiceAccount(namespace, account, await controllerRules());
  await guardRings(namespace, account);
  const { server, ca } = inject("cluster").connection;
  const token = await tokenFor(namespace, account);
  return { namespace, endpoint: fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token }) };
}

export interface RunningController {
  /** Failures and troubles, a line each. */
  readonly problems: readonly string[];
  /** What it wrote: `activate k3`. */
  readonly deeds: readonly string[];
  stop(): Promise<void>;
}

/** The controller as a program would run it, until the end of the test. */
export function startController(scene: Scene, more: Partial<ControllerOptions> = {}): RunningController {
  const problems: string[] = [];
  const deeds: string[] = [];
  const stop = new AbortController();
  const options: ControllerOptions = {
    endpoint: scene.endpoint,
    namespaces: [scene.namespace],
    identity: randomUUID(),
    clock: systemClock,
    chance: () => 0.5,
    unique: randomUUID,
    userAgent: "keyturn-test/1",
    log: {
      deed: (_, { step }) => void deeds.push(`${step.type} ${step.kid ?? ""}`),
      failure: (key, error) => void problems.push(`${key}: ${String(error)}`),
      problem: (part, error) => void problems.push(`${part}: ${String(error)}`),
      info: () => undefined,
    },
    ...more,
  };
  const ended = runController(options, stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  onTestFinished(end);
  return { problems, deeds, stop: end };
}

export const rotationsPath = (namespace: string): string =>
  `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`;

/** Times of seconds: tokens live two, a key is published one before it signs. */
export const quick = {
  rotation: { interval: "0s" },
  propagation: { minimum: "1s" },
  tokens: { issuer: "https://issuer.example", audiences: ["api"], maxTTL: "2s", clockSkew: "0s" },
};

export interface Status {
  readonly observedGeneration: number;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly activeKid?: string;
  readonly keys: readonly {
    readonly kid: string;
    readonly state: string;
    readonly algorithm: string;
    readonly publishedTime?: string;
  }[];
  readonly ringGeneration?: number;
  readonly history?: readonly { readonly step: string; readonly kid?: string }[];
  readonly waitingFor?: string;
  readonly gateways: { readonly summary: string; readonly waitingFor: readonly string[] };
  readonly [field: string]: unknown;
}

/** One JwtKeyRotation, as its user has it. */
export class RotationHandle {
  readonly path: string;
  readonly namespace: string;
  readonly name: string;

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
    this.path = `${rotationsPath(namespace)}/${name}`;
  }

  async status(): Promise<Status> {
    return statusOf(await admin.get(this.path));
  }

  edit(spec: object): Promise<KubeObject> {
    return admin.merge(this.path, { spec });
  }

  /** Under a name of its own, as `kubectl annotate` does: who also made the resource may be taken to have asked then. */
  annotate(annotations: object): Promise<KubeObject> {
    return admin.merge(`${this.path}?fieldManager=kubectl-annotate`, { metadata: { annotations } });
  }

  /** Waits for a status that fits, of the resource as it is now or later. */
  async reaches(what: string, fits: (status: Status) => boolean, withinMs = 120_000): Promise<Status> {
    const { metadata } = await admin.get(this.path);
    const { generation = 0 } = metadata as { generation?: number };
    const selector = `${rotationsPath(this.namespace)}?fieldSelector=metadata.name=${this.name}`;
    const isDone = (object: KubeObject): boolean => {
      const status = statusOf(object);
      return status.observedGeneration >= generation && fits(status);
    };
    try {
      return statusOf(await sees(selector, isDone, withinMs));
    } catch (error) {
      const { conditions, keys, ...last } = await this.status();
      const text = JSON.stringify({ conditions, keys, waitingFor: last.waitingFor }, undefined, 1);
      throw new Error(`${this.name} never was: ${what}. Last: ${text}`, { cause: error });
    }
  }

  ready(): Promise<Status> {
    return this.reaches("Ready, with a published standby", (status) => {
      const standby = status.keys.find((key) => key.state === "Prepared");
      return holds(status, "Ready") && standby?.publishedTime !== undefined;
    });
  }

  stalled(reason: string): Promise<Status> {
    return this.reaches(`Stalled, ${reason}`, ({ conditions }) =>
      conditions.some((one) => one.type === "Stalled" && one.reason === reason),
    );
  }

  /** The object's data as text. */
  async data(role: "ring" | "signer" | "public"): Promise<Readonly<Record<string, string>>> {
    const { data } = await admin.get<{ data?: Readonly<Record<string, string>> }>(this.objectPath(role));
    if (role === "public") return data ?? {};
    return Object.fromEntries(
      Object.entries(data ?? {}).map(([name, text]) => [name, Buffer.from(text, "base64").toString()]),
    );
  }

  objectPath(role: "ring" | "signer" | "public"): string {
    const name = { ring: `${this.name}-ring`, signer: this.name, public: `${this.name}-public` }[role];
    return `/api/v1/namespaces/${this.namespace}/${role === "public" ? "configmaps" : "secrets"}/${name}`;
  }
}

/** While nothing can be seen a status counts no gateways. */
function statusOf(object: KubeObject): Status {
  const status = object["status"] as Status;
  return "gateways" in status ? status : { ...(status as Status), gateways: { summary: "", waitingFor: [] } };
}

export const holds = ({ conditions = [] }: Partial<Status>, type: string): boolean =>
  conditions.some((one) => one.type === type && one.status === "True");

export async function makeRotation(namespace: string, name: string, spec: object = quick): Promise<RotationHandle> {
  const manifest = { apiVersion: "keyturn.dev/v1alpha1", kind: "JwtKeyRotation", metadata: { name }, spec };
  await admin.create(rotationsPath(namespace), manifest);
  return new RotationHandle(namespace, name);
}
