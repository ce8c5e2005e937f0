import { inject, onTestFinished } from "vitest";
import { KubeClient } from "../../../../src/kube/client.ts";
import { type Clock, systemClock } from "../../../../src/time/clock.ts";
import type { RingHome } from "../../../../src/keeper/home.ts";
import { fixedEndpoint } from "../../../kube/support/fixed-endpoint.ts";
import { type ClientTransport, Transport } from "../../../../src/kube/transport.ts";
import { clusterHome } from "../../../../src/cluster/home/cluster-home.ts";

export interface HomeOptions {
  /** Happens just before each change is sent. */
  readonly beforePatch?: () => Promise<unknown>;
  /** Happens just before each reading of what the path names. */
  readonly beforeGet?: (path: string) => Promise<unknown>;
  readonly clock?: Clock;
}

/** The home of a rotation, for the administrator. */
export function homeOf(namespace: string, name: string, options: HomeOptions = {}): RingHome {
  const { beforePatch, beforeGet, clock = systemClock } = options;
  const { server, token, ...tls } = inject("cluster").connection;
  const transport = new Transport({
    endpoint: fixedEndpoint(server, { tls, ...(token !== undefined && { token }) }),
    ...{ clock, chance: () => 0.5, userAgent: "keyturn-test/1" },
  });
  onTestFinished(() => transport.close());
  const caller: ClientTransport = {
    call: async (request) => {
      if (request.method === "PATCH") await beforePatch?.();
      if (request.method === "GET") await beforeGet?.(request.path);
      return transport.call(request);
    },
    open: (request) => transport.open(request),
    serverNowMs: () => transport.serverNowMs(),
    serverDoubtMs: () => transport.serverDoubtMs(),
    ...{ clock, chance: transport.chance },
  };
  return clusterHome(new KubeClient(caller), { namespace, name }, { where: "here" });
}
