// The controller in a process of its own, which counts its calls; prints them, and its memory, for each line that it is sent.
import { createInterface } from "node:readline";
import { systemClock } from "../../src/time/clock.ts";
import { fixedEndpoint } from "../kube/support/fixed-endpoint.ts";
import { runController } from "../../src/controller/run-controller.ts";
import type { Connection } from "../../hack/testcluster/connection.ts";

export interface Counted {
  readonly rssMiB: number;
  /** `PUT secrets`: how often. */
  readonly calls: Readonly<Record<string, number>>;
}

const { connection, namespace, hasLease } = JSON.parse(process.argv[2] ?? "{}") as {
  connection: Connection;
  namespace: string;
  hasLease: boolean;
};
const { server, token, ...tls } = connection;
const calls: Record<string, number> = {};

createInterface({ input: process.stdin }).on("line", () => {
  const counted: Counted = { rssMiB: process.memoryUsage.rss() / 2 ** 20, calls };
  process.stdout.write(`${JSON.stringify(counted)}\n`);
});

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
await runController(
  {
    endpoint: fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }),
    namespaces: [namespace],
    ...(hasLease && { lease: { namespace, name: "bench" } }),
    identity: String(process.pid),
    clock: systemClock,
    chance: Math.random,
    unique: () => crypto.randomUUID(),
    userAgent: "keyturn-bench/1",
    onCall: ({ method, path }) => {
      const [, plural = "", , sub] = /\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(path) ?? [];
      const name = /(-ring)$/.test(path) ? `${plural} ring` : plural;
      const key = `${method} ${name}${sub === undefined ? "" : `/${sub}`}`;
      calls[key] = (calls[key] ?? 0) + 1;
    },
    log: {
      deed: () => undefined,
      failure: (_, error) => console.error(String(error)),
      problem: (_, error) => console.error(String(error)),
      info: () => undefined,
    },
  },
  stop.signal,
);
process.exit(0);
