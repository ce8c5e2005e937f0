import type { Agent } from "node:http";
import type { TlsMaterial } from "../http/agents.ts";

export interface ApiCredentials {
  readonly tls: TlsMaterial;
  readonly token?: string;
  /** Such as `Impersonate-User`; a list is sent as so many headers. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Connections of another kind, through a proxy; `tls` is then the agent's affair. Must be the same object each time. */
  readonly agent?: Agent;
}

/** Where an API server is, and as whom to speak to it. */
export interface Endpoint {
  /** `https://10.0.0.1:443`, with a path where the server stands behind one. */
  readonly server: string;
  /** Asked before each request, so it must be quick: read rarely, remember. @throws Error without secrets in its message */
  credentials(): Promise<ApiCredentials>;
  /** Called after a 401: the next {@link credentials} are to be read anew. */
  refresh(): void;
}
