import { Agent as HttpAgent } from "node:http";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { SmallFiles } from "../../files/small-files.ts";
import { Agents } from "../../http/agents.ts";
import { readCa } from "../../http/read-ca.ts";
import { type Post, PostError } from "../../identity/oauth/post.ts";
import type { Clock } from "../../time/clock.ts";
import type { TokenEndpoint } from "../agent-spec.ts";
import { httpPost } from "./http-post.ts";

/** Node.js itself closes an idle connection after 5 s, and says so; proxies wait for longer. */
const idleMs = 4000;
/** To one issuer. */
const mostConnections = 32;

export interface ConnectionPorts {
  readonly files: SmallFiles;
  readonly clock: Clock;
}

/** The connections to whoever gives out tokens, shared by all identities of an agent and kept for a while. */
export class TokenConnections {
  readonly #ports: ConnectionPorts;
  /** By the file of who may have signed the certificate, and whether there is one. */
  readonly #agents = new Map<string, Agents>();
  readonly #cas = new Map<string, string>();

  constructor(ports: ConnectionPorts) {
    this.#ports = ports;
  }

  /** To an issuer. Its CA is read again for each request: connections are made anew when it is another one. */
  to({ url, caFile }: TokenEndpoint): Post {
    const isSecure = url.protocol === "https:";
    const key = isSecure ? `https ${caFile ?? ""}` : "http";
    return httpPost(async () => {
      const ca = isSecure && caFile !== undefined ? await this.#caOf(caFile) : undefined;
      const agents = this.#agents.get(key) ?? new Agents({ isSecure, idleMs, most: mostConnections });
      this.#agents.set(key, agents);
      return { agent: agents.for(ca === undefined ? {} : { ca }) };
    }, this.#ports.clock);
  }

  /** To a Unix socket: each request has a connection of its own. */
  toSocket(path: string): Post {
    const agent = new HttpAgent();
    return httpPost(() => Promise.resolve({ agent, socketPath: path }), this.#ports.clock);
  }

  /** Closes every connection, with what is on its way. */
  close(): void {
    for (const agents of this.#agents.values()) agents.close();
    this.#agents.clear();
  }

  /** While a file can't be used, that of before is. */
  async #caOf(caFile: string): Promise<string> {
    try {
      const ca = await readCa(this.#ports.files, caFile);
      this.#cas.set(caFile, ca);
      return ca;
    } catch (error) {
      const before = this.#cas.get(caFile);
      if (before !== undefined) return before;
      const why = error instanceof KeyturnError ? error.message : "the CA must be readable";
      throw new PostError("CaUnreadable", why, false);
    }
  }
}
