import type { ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { Reflector, type ReflectorOptions } from "../../../src/kube/reflector.ts";
import { configMaps } from "../../../src/kube/resource.ts";
import type { CacheChange } from "../../../src/kube/object-cache.ts";
import { clientTo } from "./clients.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { json, type Reply, scriptServer } from "./script-server.ts";

export const object = (name: string, resourceVersion: string): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "a", name, uid: `uid-${name}`, resourceVersion },
});

/** A list of that version. */
export const list = (resourceVersion: string, ...items: object[]): Reply =>
  json(200, { kind: "ConfigMapList", metadata: { resourceVersion }, items });

/** A watch that the test writes to. */
export function stream() {
  const begun = Promise.withResolvers<ServerResponse>();
  const reply: Reply = (response) => {
    response.writeHead(200);
    response.flushHeaders();
    begun.resolve(response);
  };
  const write = async (text: string | Buffer): Promise<void> => void (await begun.promise).write(text);
  return {
    reply,
    write,
    event: (type: string, what: object): Promise<void> => write(`${JSON.stringify({ type, object: what })}\n`),
    end: async (): Promise<void> => void (await begun.promise).end(),
    cut: async (): Promise<void> => void (await begun.promise).destroy(),
  };
}

export const bookmark = (resourceVersion: string): object => ({ kind: "ConfigMap", metadata: { resourceVersion } });
export const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old" };

/** A reflector on a scripted server, with a clock that the test drives. */
export async function reflect(replies: readonly Reply[], more: Partial<ReflectorOptions> = {}) {
  const clock = new FakeClock();
  const script = await scriptServer(replies);
  const changes: CacheChange[] = [];
  const problems: unknown[] = [];
  const listeners = new Set<() => void>();
  const note = <T>(into: T[]) => {
    return (what: T): void => {
      into.push(what);
      for (const listener of listeners) listener();
    };
  };
  const reflector = new Reflector({
    client: clientTo(script.server, { clock }),
    resource: configMaps,
    selection: { namespace: "a", labelSelector: "k=v" },
    onChange: note(changes),
    onProblem: note(problems),
    ...more,
  });
  const stop = new AbortController();
  const run = reflector.run(stop.signal);
  onTestFinished(() => stop.abort());
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  const seen = (): string[] => changes.map(({ type, object: { metadata } }) => `${type} ${metadata.name}`);
  return {
    clock,
    reflector,
    script,
    problems,
    seen,
    changed: (n: number): Promise<void> => until(() => changes.length >= n),
    failed: (n: number): Promise<void> => until(() => problems.length >= n),
    /** What the n-th request asked for. */
    asked: async (n: number): Promise<string> => {
      const { url } = await script.called(n);
      if (!url.searchParams.has("watch")) return "list";
      return `watch from ${url.searchParams.get("resourceVersion") ?? "nowhere"}`;
    },
    /** Lets the next back-off pass, however long it is. */
    backOff: async (): Promise<void> => {
      await clock.armed(1, 30_000);
      await clock.advance(30_000);
    },
    stopped: async (): Promise<void> => {
      stop.abort();
      await run;
    },
  };
}

/** When a watch counts as dead that was asked for 15 s. */
export const endMs = 20_000;
