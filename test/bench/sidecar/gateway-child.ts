// A gateway that reads one Secret of an API server, in a process of its own; prints the port of its front.
import { randomUUID } from "node:crypto";
import { runGateway } from "../../../src/gateway/run-gateway.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { fixedEndpoint } from "../../kube/support/fixed-endpoint.ts";
import type { Connection } from "../../../hack/testcluster/connection.ts";

const { connection, namespace, object } = JSON.parse(process.argv[2] ?? "{}") as {
  connection: Connection;
  namespace: string;
  object: string;
};
const { server, token, ...tls } = connection;
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const nothing = (): void => undefined;
const anyPort = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
await runGateway({
  sources: {
    ...{ kind: "cluster", ring: "signer", acks: "off", object },
    api: {
      endpoint: fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }),
      namespace,
      userAgent: "keyturn-bench/1",
    },
  },
  ...{ listen: anyPort, adminListen: anyPort, mintListen: anyPort, required: {}, owned: [], drainMs: 0 },
  ...{ clock: systemClock, chance: Math.random, newId: randomUUID, signal: stop.signal },
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  onListening: ({ front }) => console.log(front),
});
