import type { KubeClient } from "./client.ts";
import type { Cancel } from "../time/clock.ts";
import { type ApiError, ConnectionError } from "./kube-errors.ts";
import { linesOf } from "./lines.ts";
import { type KubeObject, asObject, frozenJson } from "./object.ts";
import * as at from "./resource.ts";
import type { Resource, Selection } from "./resource.ts";
import { eventError, isSecretPath } from "./api-status.ts";
import { isObject, membersOf } from "../parse/object.ts";

/** What a line of a watch says. An ERROR event is thrown instead. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface WatchOptions {
  readonly resource: Resource;
  readonly selection: Selection;
  readonly resourceVersion: string;
  /** After so many seconds the server ends it in good order; one that does not is dead. */
  readonly timeoutSeconds: number;
  /** So long may nothing come before the watch counts as dead, in milliseconds. Bookmarks come about every minute. */
  readonly inactivityMs: number;
  readonly signal: AbortSignal;
  /** Hears that the server lets it begin. */
  readonly onBegun?: () => void;
}

/** How much later than asked for a server may end a watch, in milliseconds. */
const lateMs = 5000;
/** A server that lets a watch begin says so at once; in milliseconds. */
const headMs = 10_000;

/** A line that says nothing that can be used: whatever it meant is lost, so list anew. */
export class LostEventError extends ConnectionError {
  constructor(what: string, problem: string) {
    super("BadAnswer", `Cannot ${what}: ${problem}`, false);
  }
}

/**
 * The events of one watch; ends when the server ends it. Leaving the loop closes its connection.
 *
 * @throws ApiError for a refusal and for an ERROR event, ConnectionError (`TimedOut`: dead without a close),
 *   {@link LostEventError}, StoppedError
 */
export async function* watch(client: KubeClient, options: WatchOptions): AsyncGenerator<WatchEvent, void, void> {
  const { resource, selection, resourceVersion, timeoutSeconds, inactivityMs, signal } = options;
  const { namespace, ...selectors } = selection;
  const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, ...selectors };
  const path = at.collectionPath(resource, namespace) + at.queryText(query);
  const what = `watch ${at.nameOf(resource, namespace === undefined ? {} : { namespace })}`;
  const { clock } = client.transport;
  const accept = at.acceptOf(resource, "watch");
  const request = { method: "GET", path, what, signal, timeoutMs: headMs, ...(accept && { accept }) } as const;
  const answer = await client.transport.open(request);
  options.onBegun?.();
  const endsAtMs = clock.monotonicMs() + timeoutSeconds * 1000 + lateMs;
  const arm = (): Cancel => {
    const silentMs = Math.min(inactivityMs, endsAtMs - clock.monotonicMs());
    const silence = `nothing came for ${Math.round(silentMs / 1000)} s`;
    return clock.after(silentMs, () =>
      answer.cut(new ConnectionError("TimedOut", `Cannot ${what}: ${silence}`, false)),
    );
  };
  let cancel = arm();
  try {
    for await (const line of linesOf(answer.chunks)) {
      cancel();
      cancel = arm();
      yield parseEvent(line, { what, resource, secret: isSecretPath(path) });
    }
  } catch (error) {
    throw error instanceof RangeError ? new LostEventError(what, error.message) : error;
  } finally {
    cancel();
  }
}

interface Context {
  readonly what: string;
  readonly resource: Resource;
  readonly secret: boolean;
}

/** @throws ApiError for an ERROR event, {@link LostEventError} */
function parseEvent(line: string, { what, resource, secret }: Context): WatchEvent {
  const event = frozenJson(line);
  if (!isObject(event)) throw new LostEventError(what, "each line must be JSON");
  const { type, object: raw } = event;
  if (type === "ERROR") throw inStream(what, raw, secret);
  if (type === "BOOKMARK") {
    const version = membersOf(membersOf(raw)["metadata"])["resourceVersion"];
    if (typeof version === "string" && version !== "") return { type, resourceVersion: version };
    throw new LostEventError(what, "a bookmark must have a resourceVersion");
  }
  const object = asObject(raw);
  const resourceVersion = object?.metadata.resourceVersion;
  const isOurs = object?.kind === resource.kind && resourceVersion !== undefined;
  if (!isOurs || (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED")) {
    throw new LostEventError(what, "each line must be an event with an object");
  }
  return { type, object, resourceVersion };
}

const inStream = (what: string, object: unknown, secret: boolean): ApiError => eventError(what, object, secret);
