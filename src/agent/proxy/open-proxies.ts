import { addressText } from "../../http/address.ts";
import type { Listener } from "../../http/listener.ts";
import type { ProxySpec } from "../agent-spec.ts";
import { type ListenersParts, openListeners, type SpecListeners } from "../spec-listeners.ts";
import { type ProxyParts, startProxy } from "./start-proxy.ts";

export interface ProxiesParts extends ProxyParts, Pick<ListenersParts<ProxySpec>, "chance"> {
  /** So long requests that were begun may take when their proxy ends, in milliseconds. */
  readonly drainMs: number;
}

/** Every proxy of an agent. @throws ChangeNeededError where one of them can't be opened */
export const openProxies = (specs: readonly ProxySpec[], parts: ProxiesParts): Promise<SpecListeners<ProxySpec>> =>
  openListeners(specs, {
    ...parts,
    open: (spec) => openProxy(spec, parts),
    addressOf: ({ listen }) => addressText(listen),
  });

async function openProxy(spec: ProxySpec, parts: ProxyParts): Promise<Listener> {
  const listener = await startProxy(spec, parts);
  const { identity, listen, upstream } = spec;
  const address = addressText(listen);
  parts.log.info({ identity, address, port: listener.port, upstream: upstream.origin }, "proxying");
  return listener;
}
