// A controller in a process of its own, which dies or stands still at its n-th write. Says what it does, a line each.
import { systemClock } from "../../../../src/time/clock.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { runController } from "../../../../src/controller/run-controller.ts";

export interface ChildOrders {
  readonly server: string;
  readonly ca?: string;
  readonly token: string;
  readonly namespace: string;
  readonly identity: string;
  /** With a Lease, held for so long (milliseconds). */
  readonly leaseMs?: number;
  /** After which write, counted from 1, and what then. Events and the Lease do not count. */
  readonly at?: number;
  readonly signal?: "SIGKILL" | "SIGSTOP";
}

const orders = JSON.parse(process.argv[2] ?? "{}") as ChildOrders;
const { server, ca, token, namespace, identity, leaseMs, at, signal } = orders;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let writes = 0;
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

await runController(
  {
    endpoint: fixedEndpoint(server, { tls: { ...(ca !== undefined && { ca }) }, token }),
    namespaces: [namespace],
    identity,
    ...(leaseMs !== undefined && {
      lease: { namespace, name: "keyturn-controller" },
      leaseTimes: { leaseDurationMs: leaseMs, renewDeadlineMs: leaseMs * 0.6, retryPeriodMs: leaseMs * 0.1 },
    }),
    clock: systemClock,
    chance: Math.random,
    unique: () => crypto.randomUUID(),
    userAgent: `child-${identity}`,
    onCall: ({ method, path }) => {
      if (method === "GET" || /\/(leases|events)(\/|$)/.test(path)) return;
      writes += 1;
      say(`write ${writes}`);
      if (writes === at && signal !== undefined) process.kill(process.pid, signal);
    },
    log: {
      deed: (_, { step }) => say(`deed ${step.type}`),
      failure: (_, error) => say(`failure ${String(error)}`),
      problem: (part, error) => say(`problem ${part} ${String(error)}`),
      info: (message) => say(`info ${message}`),
    },
  },
  stop.signal,
);
