import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type AgentOptions } from "node:https";

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

export interface AgentsOptions {
  /** TLS, or in clear text. */
  readonly isSecure: boolean;
  /** Below what a server waits before it closes one: a request that is sent into the closing fails without anybody knowing whether it was read. */
  readonly idleMs: number;
  /** At the same time; others wait. @default any number */
  readonly most?: number;
}

/** The one pool of connections, made anew when what TLS is made with changes: after a rotation of the CA. */
export class Agents {
  readonly #isSecure: boolean;
  readonly #options: AgentOptions;
  #agent: HttpAgent | undefined;
  #madeFor: { readonly tls: TlsMaterial; readonly fingerprint: string } | undefined;
  /** Pools of before, until their last request has ended. */
  readonly #retired = new Set<HttpAgent>();

  constructor({ isSecure, idleMs, most = Infinity }: AgentsOptions) {
    this.#isSecure = isSecure;
    this.#options = { keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 16, timeout: idleMs, maxSockets: most };
  }

  for(tls: TlsMaterial): HttpAgent {
    if (this.#agent !== undefined && tls === this.#madeFor?.tls) return this.#agent;
    const fingerprint = JSON.stringify([tls.ca, tls.cert, tls.key, tls.serverName, tls.insecure]);
    const isSame = this.#agent !== undefined && fingerprint === this.#madeFor?.fingerprint;
    this.#madeFor = { tls, fingerprint };
    if (this.#agent !== undefined && isSame) return this.#agent;
    this.#retire();
    this.#agent = this.#isSecure
      ? new HttpsAgent({ ...this.#options, ...tlsOptions(tls) })
      : new HttpAgent(this.#options);
    return this.#agent;
  }

  /** Closes the connections that nobody uses: after a timeout the others are likely to be dead as well. */
  dropIdle(): void {
    if (this.#agent !== undefined) dropIdle(this.#agent);
  }

  /** Closes every connection, with what is on its way. */
  close(): void {
    for (const agent of [...this.#retired, this.#agent]) agent?.destroy();
    this.#retired.clear();
    this.#agent = undefined;
  }

  /** Running requests and watches go on; their connections close after them. */
  #retire(): void {
    if (this.#agent === undefined) return;
    this.#agent.maxFreeSockets = 0;
    dropIdle(this.#agent);
    for (const agent of this.#retired) if (Object.keys(agent.sockets).length === 0) this.#retired.delete(agent);
    this.#retired.add(this.#agent);
  }
}

function dropIdle(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function tlsOptions({ ca, cert, key, serverName, insecure = false }: TlsMaterial): AgentOptions {
  return {
    minVersion: "TLSv1.2",
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(insecure && { rejectUnauthorized: false }),
  };
}
