import { Registry } from "prom-client";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { assemble } from "../holder/assemble.ts";
import type { Address } from "../http/address.ts";
import { checkOwnedHeaders } from "./faces/owned-headers.ts";
import { RingHolder } from "../holder/ring-holder.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { HolderMetrics } from "../holder/holder-metrics.ts";
import { newObserver } from "../holder/observer.ts";
import { addProcessMetrics } from "../telemetry/process-metrics.ts";
import { openFaces } from "./open-faces.ts";
import type { GatewayOptions } from "./options.ts";
import { aborted } from "../time/signal.ts";

/** What Node.js says of itself is asked for by a scrape, and would take a tenth of the time until the gateway is ready. */
const processMetricsAfterMs = 1000;

/**
 * Runs a gateway until the signal: resolves when nothing of it is left.
 *
 * @throws ChangeNeededError `PlanUnusable`, `HeaderUnusable`, `AddressUnusable`: what must be changed before it can run
 */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { clock, log, signal } = options;
  checkOwnedHeaders(options.owned);
  if (options.mintListen !== undefined) mustBeLocal(options.mintListen);
  const here: { gateway?: RingHolder } = {};
  const state = () => here.gateway?.memory.state;
  const registry = new Registry();
  const metrics = new GatewayMetrics(registry);
  const ofHolder = new HolderMetrics({ registry, prefix: "keyturn_gateway", clock, state });
  const parts = await assemble(options.sources, { ...options, state });
  const gateway = (here.gateway = await RingHolder.begin({
    ...options,
    ...parts,
    observer: newObserver(log, ofHolder),
  }));
  const stop = new AbortController();
  const faces = await openFaces(options, { gateway, metrics, registry });
  const { ports } = faces;
  options.onListening?.(ports);
  const forget = clock.after(processMetricsAfterMs, () => addProcessMetrics(registry));
  const running = gateway.run(stop.signal);
  try {
    await Promise.race([aborted(signal), running, failing(ports.mint)]);
    log.info({}, "draining");
  } finally {
    forget();
    await faces.close(options.drainMs);
    stop.abort();
    await running;
    await gateway.leave();
    parts.close();
  }
}

/** Tokens are for those who share the pod, or the machine. */
function mustBeLocal(address: Address): void {
  if (address.kind === "unix" || /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(address.host ?? "")) return;
  throw new ChangeNeededError("AddressUnusable", "Cannot mint there: must be a Unix socket or a loopback address");
}

/** Settles when that fails, and only then. */
function failing(work: Promise<unknown> | undefined): Promise<never> {
  return new Promise((_, reject) => {
    work?.catch(reject);
  });
}
