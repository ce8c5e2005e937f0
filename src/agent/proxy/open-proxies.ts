import { isDeepStrictEqual } from "node:util";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { addressText } from "../../http/address.ts";
import type { Listener } from "../../http/listener.ts";
import type { ProxySpec } from "../agent-spec.ts";
import { type ProxyParts, startProxy } from "./start-proxy.ts";

/** Every proxy of an agent. */
export interface OpenProxies {
  /** Of TCP, 0 for a Unix socket; in the order of the specs. */
  readonly ports: readonly number[];
  /** The file has these from now on: what is the same stays open. One that can't be opened is said in the log, and is tried with the next change. */
  apply(specs: readonly ProxySpec[]): Promise<void>;
  close(): Promise<void>;
}

interface OpenProxy {
  readonly spec: ProxySpec;
  readonly listener: Listener;
}

export interface ProxiesParts extends ProxyParts {
  /** So long requests that were begun may take when their proxy ends, in milliseconds. */
  readonly drainMs: number;
}

/** @throws ChangeNeededError where one of them can't be opened */
export async function openProxies(specs: readonly ProxySpec[], parts: ProxiesParts): Promise<OpenProxies> {
  const proxies = new Proxies(parts);
  try {
    for (const spec of specs) await proxies.open(spec);
  } catch (error) {
    await proxies.close();
    throw error;
  }
  return proxies;
}

class Proxies implements OpenProxies {
  readonly #parts: ProxiesParts;
  #open: readonly OpenProxy[] = [];

  constructor(parts: ProxiesParts) {
    this.#parts = parts;
  }

  get ports(): readonly number[] {
    return this.#open.map(({ listener: { port } }) => port);
  }

  async open(spec: ProxySpec): Promise<void> {
    const listener = await startProxy(spec, this.#parts);
    this.#open = [...this.#open, { spec, listener }];
    const { identity, listen, upstream } = spec;
    this.#parts.log.info(
      { identity, address: addressText(listen), port: listener.port, upstream: upstream.origin },
      "proxying",
    );
  }

  async apply(specs: readonly ProxySpec[]): Promise<void> {
    const isWanted = ({ spec }: OpenProxy): boolean => specs.some((one) => isDeepStrictEqual(one, spec));
    const gone = this.#open.filter((one) => !isWanted(one));
    this.#open = this.#open.filter(isWanted);
    // A new one may have the address of one that goes
    await Promise.all(gone.map((one) => this.#end(one)));
    for (const spec of specs) {
      if (this.#open.some((one) => isDeepStrictEqual(one.spec, spec))) continue;
      await this.open(spec).catch((error: unknown) => {
        if (!(error instanceof KeyturnError)) throw error;
        this.#parts.log.error({ code: error.code, address: addressText(spec.listen) }, error.message);
      });
    }
  }

  async close(): Promise<void> {
    const all = this.#open;
    this.#open = [];
    await Promise.all(all.map((one) => this.#end(one)));
  }

  #end({ listener }: OpenProxy): Promise<void> {
    return listener.drain(this.#parts.drainMs);
  }
}
