import type { KubeClient } from "../../kube/client.ts";
import { type KubeObject } from "../../kube/object.ts";
import { Reflector } from "../../kube/reflector.ts";
import { configMaps, secrets, type Ref, type Resource } from "../../kube/resource.ts";
import { SourceOpener, type SourceOpenerOptions, type SourceReading, type Truth } from "./ring-source.ts";
import { membersOf } from "../../parse/object.ts";

export interface ApiOptions extends SourceOpenerOptions {
  readonly client: KubeClient;
  /** The signer Secret or the public ConfigMap, by the kind of the ring. */
  readonly ref: Required<Ref>;
  /** Hears of every failure that is followed by another try. */
  readonly onProblem: (error: unknown) => void;
}

/** How long one read and its retries may take, in milliseconds: whoever waits has a mount to fall back on. */
const readLimitMs = 5000;

/** A gateway also reads its object every few seconds: what a deaf watch does not tell is seen there. */
const watchSeconds = 450;

/** One object of the API server: read without a cache, and watched. */
export class ApiObject implements Truth {
  readonly isServer = true;
  readonly #options: ApiOptions;
  readonly #opener: SourceOpener;
  readonly #resource: Resource;
  readonly #reflector: Reflector;
  #tell: (reading: SourceReading) => void = () => undefined;

  constructor(options: ApiOptions) {
    const { kind, client, ref, onProblem } = options;
    this.#options = options;
    this.#opener = new SourceOpener(options);
    this.#resource = kind === "signer" ? secrets : configMaps;
    this.#reflector = new Reflector({
      client,
      resource: this.#resource,
      // RBAC by resourceNames lets this list and watch pass, and no other
      selection: { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` },
      // Private halves live as KeyObjects only (docs/design.md, section 8)
      kept: namesAlone,
      watchSeconds,
      onChange: ({ type, object }) => void this.#changed(type === "deleted" ? undefined : object),
      onProblem,
    });
  }

  async read(signal: AbortSignal): Promise<SourceReading> {
    const { client, ref } = this.#options;
    const limits = { signal, timeoutMs: readLimitMs, totalMs: readLimitMs };
    const object = await client.find(this.#resource, ref, limits);
    // Two requests that cross may differ as well; then it is asked once too often
    const { store, hasSynced } = this.#reflector;
    const isTold = store.get(ref)?.metadata.resourceVersion === object?.metadata.resourceVersion;
    if (hasSynced && !isTold) this.#reflector.renew();
    return this.#open(object);
  }

  /** Tells of every change, the first state included, until the signal. */
  run(signal: AbortSignal, tell: (reading: SourceReading) => void): Promise<void> {
    this.#tell = tell;
    return this.#reflector.run(signal);
  }

  /** How long ago the API server last said something on the watch, in milliseconds; undefined before that. */
  silenceMs(): number | undefined {
    return this.#reflector.silenceMs();
  }

  async #changed(object: KubeObject | undefined): Promise<void> {
    this.#tell(await this.#open(object));
  }

  #open(object: KubeObject | undefined): Promise<SourceReading> {
    const { kind, ref } = this.#options;
    if (object === undefined) {
      const what = `${this.#resource.kind} "${ref.namespace}/${ref.name}"`;
      return Promise.resolve({ kind: "missing", problem: `${what} must be there` });
    }
    const text = membersOf(object["data"])["keyring.json"];
    if (typeof text !== "string") return this.#opener.open(undefined);
    return this.#opener.open(kind === "signer" ? Buffer.from(text, "base64").toString("utf8") : text);
  }
}

/** Without data, and without annotations: kubectl keeps the whole of what it applied in one. */
function namesAlone({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  };
}
