import type { Agent } from "node:http";

/** What a TLS connection is made with, PEM. Another value in any of them means other connections. */
export interface TlsMaterial {
  /** Who may have signed the server's certificate. Absent: whom Node.js trusts. */
  readonly ca?: string;
  /** The client's certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have, where it is not the host's. */
  readonly serverName?: string;
  /** Any server is believed. For trying things out only. @default false */
  readonly insecure?: boolean;
}

export interface ApiCredentials {
  readonly tls: TlsMaterial;
  readonly token?: string;
  /** Such as `Impersonate-User`. */
  readonly headers?: Readonly<Record<string, string>>;
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
