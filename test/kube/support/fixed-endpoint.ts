import type { ApiCredentials, Endpoint } from "../../../src/kube/endpoint.ts";

/** Credentials that never change. */
export function fixedEndpoint(server: string, credentials: ApiCredentials): Endpoint {
  return { server, credentials: () => Promise.resolve(credentials), refresh: () => undefined };
}
