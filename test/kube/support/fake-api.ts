import { isDeepStrictEqual } from "node:util";
import type { ServerResponse } from "node:http";
import { json, type Call, type Reply, type ScriptServer, scriptServer, status } from "./script-server.ts";

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface Address {
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface Happened {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly before: Stored | undefined;
  readonly object: Stored;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly address: Address;
  readonly query: URLSearchParams;
  readonly isMetadata: boolean;
}

const kinds: Readonly<Record<string, string>> = {
  configmaps: "ConfigMap",
  secrets: "Secret",
  pods: "Pod",
  leases: "Lease",
  events: "Event",
  jwtkeyrotations: "JwtKeyRotation",
  keyringacks: "KeyRingAck",
};

/** As much of an API server as fits here; the contract test holds it to what a real one does. */
export class FakeApi {
  readonly #objects = new Map<string, Stored>();
  readonly #history: Happened[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  /** Watches from before are told that this is gone. */
  #oldest = 0;
  /** Answers in place of the server; returns false to let it answer. */
  fault: (call: Call, response: ServerResponse) => boolean = () => false;

  readonly reply: Reply = (response, call) => {
    if (this.fault(call, response)) return;
    const [, root = "", namespace, plural = "", name, subresource] =
      /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/
        .exec(call.url.pathname)
        ?.filter((_, index) => index !== 2) ?? [];
    const group = /^\/apis\/([^/]+\/[^/]+)/.exec(call.url.pathname)?.[1];
    if (kinds[plural] === undefined) return void response.writeHead(404).end("404 page not found\n");
    const address = { apiVersion: group ?? root, namespace, plural, name, subresource };
    this.#dispatch(address, call)(response, call);
  };

  /** Forgets what happened: watches that begin before now are too old. */
  compact(): void {
    this.#oldest = this.#version;
  }

  /** What a server sends about every minute. */
  bookmark(): void {
    for (const { response, address } of this.#watchers) {
      const object = { kind: kinds[address.plural], metadata: { resourceVersion: String(this.#version) } };
      response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
    }
  }

  get watches(): number {
    return this.#watchers.size;
  }

  #dispatch(address: Address, call: Call): Reply {
    if (call.method === "GET" && address.name === undefined) {
      return call.url.searchParams.has("watch") ? this.#watch(address, call) : this.#list(address, call);
    }
    const body = (call.body === "" ? {} : JSON.parse(call.body)) as Stored;
    if (call.method === "POST") return this.#create(address, body);
    const found = this.#objects.get(keyOf(address, address.name ?? ""));
    if (found === undefined) return refuse(404, "NotFound", address);
    if (call.method === "GET") return json(200, found);
    if (call.method === "DELETE") return this.#delete(address, found);
    const next = call.method === "PUT" ? body : (merged(found, body) as Stored);
    return this.#replace(address, found, next);
  }

  #create(address: Address, body: Stored): Reply {
    const { name = `${String(body.metadata["generateName"])}${this.#version}` } = body.metadata as { name?: string };
    if (this.#objects.has(keyOf(address, name))) return refuse(409, "AlreadyExists", { ...address, name });
    const data = Object.values((body["data"] ?? {}) as Record<string, string>);
    if (address.plural === "secrets" && data.some((text) => !/^[\w+/]*=*$/.test(text))) {
      const message = `illegal base64 data, bigger context ...${data.join()}...`;
      return refuse(400, "BadRequest", { ...address, message });
    }
    const { namespace } = address;
    const metadata = { ...body.metadata, name, ...(namespace && { namespace }), uid: `uid-${this.#version}` };
    const made = { ...body, apiVersion: address.apiVersion, kind: kinds[address.plural] ?? "", metadata };
    return json(201, this.#happen("ADDED", address, made));
  }

  #replace(address: Address, found: Stored, next: Stored): Reply {
    const asked = next.metadata["resourceVersion"];
    if (asked !== undefined && asked !== found.metadata["resourceVersion"]) return conflict(address);
    const { uid, resourceVersion } = found.metadata;
    const isStatus = address.subresource === "status";
    const { metadata, ...rest } = isStatus
      ? { ...found, status: next["status"] }
      : { ...next, status: found["status"] };
    const whole = { ...rest, metadata: { ...metadata, uid, resourceVersion } };
    // Through JSON, so that what is undefined is absent
    const kept = JSON.parse(JSON.stringify(whole)) as Stored;
    if (isDeepStrictEqual(kept, found)) return json(200, found);
    return json(200, this.#happen("MODIFIED", address, kept));
  }

  #delete(address: Address, found: Stored): Reply {
    this.#happen("DELETED", address, found);
    return json(200, { kind: "Status", status: "Success" });
  }

  #happen(type: Happened["type"], address: Address, object: Stored): Stored {
    this.#version += 1;
    const key = keyOf(address, object.metadata.name);
    const before = this.#objects.get(key);
    const now = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    if (type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, now);
    const happened = { version: this.#version, type, before, object: now };
    this.#history.push(happened);
    for (const watcher of this.#watchers) tell(watcher, happened);
    return now;
  }

  #list(address: Address, { url: { searchParams }, headers }: Call): Reply {
    const all = [...this.#objects].filter(([key, each]) => within(address, key) && selects(searchParams, each));
    const limit = Number(searchParams.get("limit") ?? all.length + 1);
    const [from, version] = (searchParams.get("continue") ?? `0 ${this.#version}`).split(" ").map(Number);
    if ((version ?? 0) < this.#oldest) return refuse(410, "Expired", address);
    const to = (from ?? 0) + limit;
    const more = to < all.length ? { continue: `${to} ${version}` } : {};
    const metadata = { resourceVersion: String(version), ...more };
    const page = all.slice(from, to).map(([, each]) => each);
    if (asksForMetadata(headers)) {
      return json(200, {
        kind: "PartialObjectMetadataList",
        apiVersion: metaVersion,
        metadata,
        items: page.map(metadataOf),
      });
    }
    const items = page.map(({ apiVersion: _, kind: __, ...item }) => item);
    return json(200, { kind: `${kinds[address.plural]}List`, apiVersion: address.apiVersion, metadata, items });
  }

  #watch(address: Address, { url: { searchParams: query }, headers }: Call): Reply {
    const from = Number(query.get("resourceVersion"));
    return (response) => {
      const watcher = { response, address, query, isMetadata: asksForMetadata(headers) };
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      if (from < this.#oldest) {
        const object = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
        return void response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      }
      for (const happened of this.#history) if (happened.version > from) tell(watcher, happened);
      this.#watchers.add(watcher);
      response.on("close", () => this.#watchers.delete(watcher));
    };
  }
}

/** A server with an API of its own, which ends with the test. */
export async function fakeApi(): Promise<{ readonly api: FakeApi; readonly script: ScriptServer }> {
  const api = new FakeApi();
  return { api, script: await scriptServer([api.reply]) };
}

const folder = ({ apiVersion, plural, namespace }: Address): string => [apiVersion, plural, namespace ?? ""].join("/");
const keyOf = (address: Address, name: string): string => `${folder(address)}/${name}`;

const within = (address: Address, key: string): boolean =>
  key.startsWith(address.namespace === undefined ? folder(address).replace(/\/$/, "/") : `${folder(address)}/`);

function selects(query: URLSearchParams, { metadata }: Stored): boolean {
  const labels = (metadata["labels"] ?? {}) as Record<string, string>;
  const terms = (query.get("labelSelector") ?? "").split(",").filter((term) => term !== "");
  const named = query.get("fieldSelector")?.replace("metadata.name=", "") ?? metadata.name;
  const fits = (term: string): boolean => {
    const [label = "", value] = term.split("=");
    return value === undefined ? label in labels : labels[label] === value;
  };
  return named === metadata.name && terms.every(fits);
}

/** What leaves a selection is told as deleted, what enters it as added. */
function tell({ response, address, query, isMetadata }: Watcher, { type, object, before }: Happened): void {
  const isHere = address.namespace === undefined || object.metadata.namespace === address.namespace;
  if (!isHere || kinds[address.plural] !== object.kind) return;
  const was = before !== undefined && selects(query, before);
  const is = type !== "DELETED" && selects(query, object);
  if (!was && !is) return;
  const told = was && is ? "MODIFIED" : is ? "ADDED" : "DELETED";
  response.write(`${JSON.stringify({ type: told, object: isMetadata ? metadataOf(object) : object })}\n`);
}

const metaVersion = "meta.k8s.io/v1";
const asksForMetadata = ({ accept = "" }: Call["headers"]): boolean => accept.includes("as=PartialObjectMetadata");
const metadataOf = ({ metadata }: Stored): Stored => ({
  apiVersion: metaVersion,
  kind: "PartialObjectMetadata",
  metadata,
});

function refuse(code: number, reason: string, { plural, name, message }: Address & { message?: string }): Reply {
  return status(code, reason, {
    details: { kind: plural, name },
    message: message ?? `${plural} "${name ?? ""}" ${reason === "NotFound" ? "not found" : "already exists"}`,
  });
}

function conflict(address: Address): Reply {
  const message = `Operation cannot be fulfilled on ${address.plural} "${address.name ?? ""}": the object has been modified`;
  return refuse(409, "Conflict", { ...address, message });
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, name);
    else result[name] = merged(result[name], value);
  }
  return result;
}
