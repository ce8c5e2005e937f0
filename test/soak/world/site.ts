import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import { ApiError, KubeClient, type KubeObject } from "../../../hack/testcluster/client.ts";
import type { Cluster } from "../../../hack/testcluster/cluster.ts";
import { acknowledges } from "./rights.ts";
import type { Files } from "../programs/app.ts";

export const namespace = "soak";
export const rotation = "gateway";
export const gatewayAccount = "gateway";
export const controllerNamespace = "keyturn-system";
export const controllerAccount = "keyturn-controller";

type Command = readonly [string, ...string[]];

export interface SiteOptions {
  readonly cluster: Cluster;
  readonly folder: string;
  readonly logs: string;
  /** What starts a Keyturn. */
  readonly keyturn: Command;
  /** libfaketime, where it is. */
  readonly library: string | undefined;
}

interface Account {
  readonly namespace: string;
  readonly account: string;
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** An API server with Keyturn's definitions, policies and rights, and what pods and controllers are made with. */
export class Site {
  readonly admin: KubeClient;
  readonly cluster: Cluster;
  readonly folder: string;
  readonly logs: string;
  readonly library: string | undefined;
  readonly keyturn: Command;
  /** What starts a Keyturn that takes itself for one in a pod. */
  readonly podded: Command;
  #files: Files | undefined;

  private constructor({ cluster, folder, logs, keyturn, library }: SiteOptions, sandbox: string) {
    this.cluster = cluster;
    this.folder = folder;
    this.logs = logs;
    this.library = library;
    this.admin = new KubeClient(cluster.connection);
    this.keyturn = keyturn;
    const [node, ...rest] = keyturn;
    this.podded = [node, "--import", pathToFileURL(sandbox).href, ...rest];
  }

  static async make(options: SiteOptions): Promise<Site> {
    const sandbox = join(options.folder, "sandbox.mjs");
    await mkdir(options.folder, { recursive: true });
    const source = await readFile(join(import.meta.dirname, "../programs/sandbox.ts"), "utf8");
    await writeFile(sandbox, (await transform(source, { loader: "ts", format: "esm" })).code);
    const site = new Site(options, sandbox);
    await site.#furnish();
    return site;
  }

  async #furnish(): Promise<void> {
    for (const file of ["policies/rbac.yaml", "policies"])
      for (const object of await readManifests(join(root, file))) await apply(this.admin, object);
    await this.admin.create("/api/v1/namespaces", { metadata: { name: namespace } });
    const metadata = { name: gatewayAccount };
    await this.admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const reads = {
      apiGroups: [""],
      resources: ["secrets"],
      verbs: ["get", "list", "watch"],
      resourceNames: [rotation],
    };
    await this.admin.create(`${rbac}/roles`, { metadata, rules: [reads, ...acknowledges] });
    await this.admin.create(`${rbac}/rolebindings`, {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: gatewayAccount },
      subjects: [{ kind: "ServiceAccount", name: gatewayAccount, namespace }],
    });
  }

  get port(): number {
    return Number(new URL(this.cluster.connection.server).port);
  }

  get ca(): string {
    return this.cluster.connection.ca ?? "";
  }

  /** A token that outlives every soak. */
  async tokenFor({ namespace: of, account, pod }: Account): Promise<string> {
    const boundObjectRef = pod && { kind: "Pod", apiVersion: "v1", ...pod };
    const spec = { expirationSeconds: 7 * 86_400, ...(boundObjectRef && { boundObjectRef }) };
    const path = `/api/v1/namespaces/${of}/serviceaccounts/${account}/token`;
    return (await this.admin.create<{ status: { token: string } }>(path, { spec })).status.token;
  }

  /** What the kubelet knows of the signer Secret; the very same object as long as nothing changes. */
  signerFiles(): Files | undefined {
    return this.#files;
  }

  /** Reads the signer Secret. @throws when the API server does not answer */
  async readSigner(): Promise<void> {
    const files = filesIn(await this.found(objectPath("signer")));
    // A Secret that is gone leaves its mounts as they are
    if (files !== undefined && JSON.stringify(files) !== JSON.stringify(this.#files)) this.#files = files;
  }

  /** The object, or undefined where there is none. */
  async found(path: string): Promise<KubeObject | undefined> {
    return unless404(this.admin.request("GET", path, { signal: AbortSignal.timeout(5000) }));
  }

  /** Removes it, if it is there. */
  async removed(path: string, options: object = {}): Promise<void> {
    await unless404(this.admin.remove(path, options));
  }
}

async function unless404<Result>(asked: Promise<Result>): Promise<Result | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

export const resourcePath = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations/${rotation}`;
export const acksPath = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/keyringacks`;
export const podsPath = `/api/v1/namespaces/${namespace}/pods`;

export function objectPath(role: "ring" | "signer" | "public"): string {
  const name = { ring: `${rotation}-ring`, signer: rotation, public: `${rotation}-public` }[role];
  return `/api/v1/namespaces/${namespace}/${role === "public" ? "configmaps" : "secrets"}/${name}`;
}

/** A Secret's files as text. */
export function filesIn(secret: KubeObject | undefined): Files | undefined {
  if (secret === undefined) return undefined;
  const data = Object.entries((secret["data"] ?? {}) as Readonly<Record<string, string>>);
  return Object.fromEntries(data.map(([name, text]) => [name, Buffer.from(text, "base64").toString()]));
}
