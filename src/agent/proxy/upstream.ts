import { Agent as HttpAgent, type ClientRequest, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { HeaderList } from "../../http/answer.ts";

/** A connection without a request is given up before most servers close it, which is 5 s and more. */
const idleMs = 4000;

/** What a request to the upstream begins with. */
export interface UpstreamHead {
  readonly method: string;
  /** Path and query as the application wrote them. */
  readonly target: string;
  /** Without Host. */
  readonly headers: HeaderList;
}

/** Where a proxy leads: one address, and the connections to it. */
export class Upstream {
  /** As `Host` has it. */
  readonly host: string;
  readonly #isSecure: boolean;
  readonly #origin: string;
  readonly #address: { readonly hostname: string; readonly port: string };
  /** In front of each path, without a slash at its end. */
  readonly #base: string;
  #agents: UpstreamAgents;

  /** @param ca - PEM; @default whom Node.js trusts */
  constructor(url: URL, ca?: string) {
    this.host = url.host;
    this.#isSecure = url.protocol === "https:";
    this.#origin = url.origin;
    this.#address = { hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port };
    this.#base = url.pathname.replace(/\/+$/, "");
    this.#agents = agentsOf(this.#isSecure, ca);
  }

  /** New connections trust these from now on; requests that are under way go on. */
  trust(ca: string): void {
    this.#agents = agentsOf(this.#isSecure, ca);
  }

  /** @param fresh - On a connection of its own */
  request({ method, target, headers }: UpstreamHead, fresh: boolean): ClientRequest {
    return (this.#isSecure ? httpsRequest : httpRequest)({
      ...this.#address,
      method,
      path: this.#base + target,
      headers: ["Host", this.host, ...headers],
      agent: fresh ? this.#agents.fresh : this.#agents.kept,
    });
  }

  /** Where a redirect leads: by way of the proxy, as a path, if it leads to the upstream; or where it says. */
  location(value: string): string {
    const [origin, base] = [this.#origin, this.#base];
    const path = value.startsWith(`${origin}/`) ? value.slice(origin.length) : value;
    if (!path.startsWith("/") || path.startsWith("//")) return value;
    if (path === base || path.startsWith(`${base}/`)) return path.slice(base.length) || "/";
    // Beside what this proxy shows
    return `${origin}${path}`;
  }

  close(): void {
    this.#agents.kept.destroy();
    this.#agents.fresh.destroy();
  }
}

interface UpstreamAgents {
  readonly kept: HttpAgent;
  readonly fresh: HttpAgent;
}

function agentsOf(isSecure: boolean, ca?: string): UpstreamAgents {
  // The last that was used first: so those that are not needed end
  const keeping = { keepAlive: true, scheduling: "lifo", timeout: idleMs } as const;
  if (!isSecure) return { kept: new HttpAgent(keeping), fresh: new HttpAgent() };
  const tls = { minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) } as const;
  return { kept: new HttpsAgent({ ...keeping, ...tls }), fresh: new HttpsAgent(tls) };
}
