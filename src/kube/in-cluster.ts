import { join } from "node:path";
import type { Clock } from "../time/clock.ts";
import type { ApiCredentials, Endpoint } from "./endpoint.ts";
import { KubeError } from "./kube-errors.ts";

/** Where the kubelet puts a pod's token, the CA's certificates and the namespace. */
export const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

/** How long what was read from the files is used, in milliseconds; they change long before the old ones end. */
export const rereadMs = 60_000;

export interface InClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** @default {@link serviceAccountDir} */
  readonly dir?: string;
}

/**
 * The API server as pods see it. Token and CA are read again every minute and after a 401: the kubelet renews the token
 * within the hour, and a CA may be rotated while the process runs. While they can't be read, the last ones are used.
 *
 * @throws KubeError `NotInCluster` when the environment names no API server
 */
export function inClusterEndpoint(options: InClusterOptions): Endpoint {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = options.env;
  if (!host) throw new KubeError("NotInCluster", "Cannot find the API server: KUBERNETES_SERVICE_HOST must be set");
  const files = new CredentialFiles(options);
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    credentials: () => files.credentials(),
    refresh: () => files.forget(),
  };
}

/** The namespace of the pod that this runs in. @throws Error when the file can't be read */
export async function podNamespace({ readFile, dir = serviceAccountDir }: InClusterOptions): Promise<string> {
  return (await readFile(join(dir, "namespace"))).trim();
}

class CredentialFiles {
  readonly #options: InClusterOptions;
  #known: ApiCredentials | undefined;
  #reading: Promise<ApiCredentials> | undefined;
  #rereadAtMs = -Infinity;

  constructor(options: InClusterOptions) {
    this.#options = options;
  }

  async credentials(): Promise<ApiCredentials> {
    if (this.#known !== undefined && this.#options.clock.monotonicMs() < this.#rereadAtMs) return this.#known;
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  forget(): void {
    this.#rereadAtMs = -Infinity;
  }

  async #read(): Promise<ApiCredentials> {
    const { readFile, dir = serviceAccountDir, clock } = this.#options;
    // From now on, not from the end of the reading: a 401 that comes meanwhile asks for another
    this.#rereadAtMs = clock.monotonicMs() + rereadMs;
    try {
      const [token, ca] = await Promise.all([readFile(join(dir, "token")), readFile(join(dir, "ca.crt"))]);
      // A file that is being replaced may be empty for a moment
      if (token.trim() === "" || ca.trim() === "") throw new Error("must not be empty");
      this.#known = { token: token.trim(), tls: { ca } };
    } catch (error) {
      if (this.#known === undefined) throw error;
    }
    return this.#known;
  }
}
