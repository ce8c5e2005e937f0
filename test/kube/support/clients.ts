import { onTestFinished } from "vitest";
import { objectPath, type Ref, type Resource } from "../../../src/kube/resource.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { type Clock, systemClock } from "../../../src/time/clock.ts";
import type { Endpoint } from "../../../src/kube/endpoint.ts";
import { fixedEndpoint } from "./fixed-endpoint.ts";
import type { Answer, CallReport } from "../../../src/kube/api-request.ts";
import { Transport } from "../../../src/kube/transport.ts";

export interface ClientOptions {
  readonly clock?: Clock;
  readonly chance?: () => number;
  readonly onCall?: (report: CallReport) => void;
}

/** A transport to a server or endpoint, closed with the test; its chance is always 0.5. */
export function transportTo(target: string | Endpoint, options: ClientOptions = {}): Transport {
  const endpoint = typeof target === "string" ? fixedEndpoint(target, { tls: {} }) : target;
  const transport = new Transport({
    endpoint,
    clock: systemClock,
    chance: () => 0.5,
    userAgent: "keyturn-test/1",
    ...options,
  });
  onTestFinished(() => transport.close());
  return transport;
}

export const clientTo = (target: string | Endpoint, options: ClientOptions = {}): KubeClient =>
  new KubeClient(transportTo(target, options));

/** Deletes an object, which the product never does; resolves when the server took it. */
export const removed = (client: KubeClient, resource: Resource, ref: Ref): Promise<Answer> =>
  client.transport.call({ method: "DELETE", path: objectPath(resource, ref), what: `delete ${ref.name}` });
