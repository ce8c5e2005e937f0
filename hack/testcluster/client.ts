import { Agent, request as send, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./connection.ts";

/** Any object of the Kubernetes API. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** One thing that the API server found wrong, and where. */
export interface StatusCause {
  readonly field?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** An answer of 400 or above. */
export class ApiError extends Error {
  readonly status: number;
  /** `Invalid`, `Conflict`, `NotFound`, `Forbidden` … */
  readonly reason: string;
  readonly causes: readonly StatusCause[];

  constructor(status: number, body: string) {
    const parsed = parseStatus(body);
    super(parsed.message ?? body);
    this.name = "ApiError";
    this.status = status;
    this.reason = parsed.reason ?? "";
    this.causes = parsed.details?.causes ?? [];
  }
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly StatusCause[] };
}

function parseStatus(body: string): Status {
  try {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- an API server's Status, or no JSON at all
    return JSON.parse(body) as Status;
  } catch {
    return {};
  }
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const contentTypes = {
  json: "application/json",
  merge: "application/merge-patch+json",
  jsonPatch: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

export interface RequestBody {
  /** What the body is. @default json */
  readonly as?: keyof typeof contentTypes;
  readonly body?: unknown;
  /** In which form the answer is to come. @default JSON */
  readonly accept?: string;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/**
 * As little of a Kubernetes client as the tests need to set a scene and to look at it, on one kept-alive connection pool.
 * Not what Keyturn itself uses: a mistake in that must not hide itself in the tests.
 */
export class KubeClient {
  readonly connection: Connection;
  readonly #agent: Agent;

  constructor(connection: Connection) {
    this.connection = connection;
    const { ca, cert, key } = connection;
    this.#agent = new Agent({ keepAlive: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  }

  /** A client of the same server for another identity. */
  withToken(token: string): KubeClient {
    const { server, ca } = this.connection;
    return new KubeClient({ server, token, ...(ca !== undefined && { ca }) });
  }

  /** Sends one request; the answer's JSON. @throws ApiError for an answer of 400 or above */
  async request<Body = KubeObject>(method: Method, path: string, options: RequestBody = {}): Promise<Body> {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the caller knows what it asked for
    return JSON.parse(await this.text(method, path, options)) as Body;
  }

  /** {@link request} for what is no JSON: `/readyz`, `/metrics`, logs. */
  async text(method: Method, path: string, options: RequestBody = {}): Promise<string> {
    const answer = await this.#open(method, path, options);
    const body = await text(answer);
    const status = answer.statusCode ?? 0;
    if (status >= 400) throw new ApiError(status, body);
    return body;
  }

  get = <Body = KubeObject>(path: string): Promise<Body> => this.request("GET", path);
  create = <Body = KubeObject>(path: string, body: unknown): Promise<Body> => this.request("POST", path, { body });
  replace = (path: string, body: unknown): Promise<KubeObject> => this.request("PUT", path, { body });
  merge = (path: string, body: unknown): Promise<KubeObject> => this.request("PATCH", path, { body, as: "merge" });
  remove = (path: string, options: object = {}): Promise<KubeObject> => this.request("DELETE", path, { body: options });

  /**
   * Every event of a watch until the signal, or until the caller leaves the loop, which closes the connection. Without a
   * `resourceVersion` in the path it begins with what is there, each as ADDED; and again so when the server ends it, as it
   * does while a definition changes.
   *
   * @throws ApiError also for an ERROR event
   */
  async *watch(path: string, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    while (signal?.aborted !== true) yield* this.#watchOnce(path, signal);
  }

  async *#watchOnce(path: string, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    const separator = path.includes("?") ? "&" : "?";
    const answer = await this.#open("GET", `${path}${separator}watch=1`, signal ? { signal } : {});
    try {
      if ((answer.statusCode ?? 0) >= 400) throw new ApiError(answer.statusCode ?? 0, await text(answer));
      for await (const line of createInterface({ input: answer })) {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- what a watch is made of
        const event = JSON.parse(line) as WatchEvent;
        if (event.type === "ERROR") throw new ApiError(Number(event.object["code"]), JSON.stringify(event.object));
        yield event;
      }
    } finally {
      answer.destroy();
    }
  }

  /** Closes idle connections; running requests go on. */
  close(): void {
    this.#agent.destroy();
  }

  /** Sends it, and again when the server asks to come back later, as it does while a definition changes. */
  async #open(method: Method, path: string, options: RequestBody): Promise<IncomingMessage> {
    for (;;) {
      const answer = await this.#send(method, path, options);
      if (answer.statusCode !== 429) return answer;
      answer.resume();
      const { signal } = options;
      await sleep(Number(answer.headers["retry-after"] ?? 1) * 1000, undefined, signal ? { signal } : {});
    }
  }

  #send(
    method: Method,
    path: string,
    { as = "json", body, accept = "application/json", signal }: RequestBody,
  ): Promise<IncomingMessage> {
    const { server, token } = this.connection;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      headers: {
        accept,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        // Node.js frames the body of a DELETE only if it is told its length
        ...(payload && { "content-type": contentTypes[as], "content-length": payload.length }),
      },
      ...(signal && { signal }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = send(new URL(path, server), options, resolve);
      outgoing.on("error", reject);
      outgoing.end(payload);
    });
  }
}
