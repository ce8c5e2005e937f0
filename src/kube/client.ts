import { ApiError, ConnectionError, isExpired, isNotFound } from "./kube-errors.ts";
import { asObject, type KubeObject } from "./object.ts";
import * as at from "./resource.ts";
import type { Ref, Resource, Selection } from "./resource.ts";
import type { Method } from "../http/exchange.ts";
import type { ApiRequest } from "./api-request.ts";
import type { ClientTransport } from "./transport.ts";
import { isObject } from "../parse/object.ts";

export type CallOptions = Pick<ApiRequest, "signal" | "timeoutMs" | "totalMs">;

export interface WriteOptions extends CallOptions {
  readonly subresource?: "status";
  /** Who is named in `managedFields`. @default the user agent up to its slash */
  readonly fieldManager?: string;
}

/** What a list saw, at one instant. */
export interface Listing {
  readonly items: readonly KubeObject[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
}

/**
 * The verbs of the API on raw objects, which come whole and frozen, and go as they are given. Every method throws ApiError,
 * ConnectionError or StoppedError.
 */
export class KubeClient {
  readonly transport: ClientTransport;
  readonly #pageSize: number;

  /** @param pageSize - So many objects of a list come at a time */
  constructor(transport: ClientTransport, pageSize = 500) {
    this.transport = transport;
    this.#pageSize = pageSize;
  }

  async get(resource: Resource, ref: Ref, options: CallOptions = {}): Promise<KubeObject> {
    const path = at.objectPath(resource, ref);
    return this.#object({ method: "GET", verb: "get", path, resource, ref }, undefined, options);
  }

  /** As {@link get}, but undefined when the API server says that this very object is not there. */
  async find(resource: Resource, ref: Ref, options: CallOptions = {}): Promise<KubeObject | undefined> {
    try {
      return await this.get(resource, ref, options);
    } catch (error) {
      // A resource that the server doesn't know, or a proxy that knows nothing, names no object
      if (error instanceof ApiError && isNotFound(error) && error.objectName === ref.name) return undefined;
      throw error;
    }
  }

  /** Every object of the selection, read in pages of one consistent state. */
  async list(resource: Resource, selection: Selection = {}, options: CallOptions = {}): Promise<Listing> {
    try {
      return await this.#pages(resource, { ...selection, limit: this.#pageSize }, options);
    } catch (error) {
      // The state that the first page showed is no longer kept: all at once then, as client-go does
      if (!isExpired(error)) throw error;
      return this.#pages(resource, selection, options);
    }
  }

  create(resource: Resource, object: object, options: WriteOptions = {}): Promise<KubeObject> {
    const ref = refOf(object);
    const path = at.collectionPath(resource, ref.namespace) + writeQuery(options);
    return this.#object({ method: "POST", verb: "create", path, resource, ref }, object, options);
  }

  /**
   * Replaces the object if it has not changed since.
   *
   * @throws TypeError without `metadata.resourceVersion`: such a write would go over any other
   */
  update(resource: Resource, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const { metadata } = object;
    if (!metadata.resourceVersion) {
      const name = at.nameOf(resource, metadata);
      return Promise.reject(new TypeError(`Cannot update ${name}: must have a resourceVersion`));
    }
    const path = at.objectPath(resource, metadata, options.subresource) + writeQuery(options);
    return this.#object({ method: "PUT", verb: "update", path, resource, ref: metadata }, object, options);
  }

  /** {@link update} of the status alone. */
  updateStatus(resource: Resource, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    return this.update(resource, object, { ...options, subresource: "status" });
  }

  /** JSON merge patch (RFC 7386): `null` removes, lists are replaced whole. With a resourceVersion in it, checked. */
  merge(resource: Resource, patch: { ref: Ref; body: object }, options: WriteOptions = {}): Promise<KubeObject> {
    const path = at.objectPath(resource, patch.ref, options.subresource) + writeQuery(options);
    const contentType = "application/merge-patch+json";
    return this.#object(
      { method: "PATCH", verb: "patch", path, resource, ref: patch.ref, contentType },
      patch.body,
      options,
    );
  }

  async #object(call: ObjectCall, body: object | undefined, options: CallOptions): Promise<KubeObject> {
    const { method, path, verb, resource, ref, contentType } = call;
    const what = `${verb} ${at.nameOf(resource, ref)}`;
    const { signal, timeoutMs, totalMs } = options;
    const answer = await this.transport.call({
      method,
      path,
      what,
      ...(body !== undefined && { body }),
      ...(contentType !== undefined && { contentType }),
      ...(signal !== undefined && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(totalMs !== undefined && { totalMs }),
    });
    const object = asObject(answer.body);
    // What is not the object that was asked for must never pass for its state
    if (object?.kind === resource.kind && (ref.name === undefined || object.metadata.name === ref.name)) return object;
    throw new ConnectionError("BadAnswer", `Cannot ${what}: the answer must be this object`, true);
  }

  async #pages(
    resource: Resource,
    query: Selection & { readonly limit?: number },
    options: CallOptions,
  ): Promise<Listing> {
    const { namespace, ...rest } = query;
    const items: KubeObject[] = [];
    let more: string | undefined;
    for (;;) {
      const path = at.collectionPath(resource, namespace) + at.queryText({ ...rest, continue: more });
      const what = `list ${at.nameOf(resource, namespace === undefined ? {} : { namespace })}`;
      const accept = at.acceptOf(resource, "list");
      const { body } = await this.transport.call({ ...options, method: "GET", path, what, ...(accept && { accept }) });
      const page = parsePage(body, resource);
      if (page === undefined) throw new ConnectionError("BadAnswer", `Cannot ${what}: the answer must be a list`, true);
      items.push(...page.items);
      more = page.more;
      if (more === undefined) return { items, resourceVersion: page.resourceVersion };
    }
  }
}

interface ObjectCall {
  readonly method: Method;
  readonly verb: string;
  readonly path: string;
  readonly resource: Resource;
  readonly ref: Partial<Ref>;
  readonly contentType?: string;
}

const writeQuery = ({ fieldManager }: WriteOptions): string => at.queryText({ fieldManager });

/** Of an object that is to be made, which may leave its name to the server (`generateName`). */
function refOf(object: object): Partial<Ref> {
  const metadata: unknown = "metadata" in object ? object.metadata : undefined;
  if (!isObject(metadata)) return {};
  const { name, namespace } = metadata;
  return { ...(typeof name === "string" && { name }), ...(typeof namespace === "string" && { namespace }) };
}

interface Page extends Listing {
  readonly more: string | undefined;
}

/** The items of a built-in kind's list say neither apiVersion nor kind. */
function parsePage(body: unknown, resource: Resource): Page | undefined {
  if (!isObject(body) || body["kind"] !== `${resource.kind}List` || !isObject(body["metadata"])) return undefined;
  const { resourceVersion, continue: more } = body["metadata"];
  const raw: readonly unknown[] = Array.isArray(body["items"]) ? body["items"] : [];
  const defaults = { apiVersion: at.apiVersionOf(resource), kind: resource.kind };
  const items = raw.map((item) => asObject(item, defaults)).filter((item) => item !== undefined);
  if (typeof resourceVersion !== "string" || items.length !== raw.length) return undefined;
  return { items, resourceVersion, more: typeof more === "string" && more !== "" ? more : undefined };
}
