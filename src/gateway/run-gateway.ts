import { Registry } from "prom-client";
import { smallFiles } from "../files/small-files.ts";
import { openHolder } from "../holder/open-holder.ts";
import { checkFaces } from "./check-faces.ts";
import { GatewayMetrics, metricsPrefix } from "./gateway-metrics.ts";
import { RevocationFollower } from "../revocations/revocation-follower.ts";
import { addRevocationMetrics } from "../revocations/revocation-metrics.ts";
import { addProcessMetricsSoon } from "../telemetry/process-metrics.ts";
import { type Faces, openFaces } from "./open-faces.ts";
import type { GatewayOptions } from "./options.ts";
import type { BusOptions } from "../sessions/sessions-options.ts";
import type { Cancel } from "../time/clock.ts";
import { aborted } from "../time/signal.ts";

/**
 * Runs a gateway until the signal: resolves when nothing of it is left.
 *
 * @throws ChangeNeededError `PlanUnusable`, `HeaderUnusable`, `AddressUnusable`, `BusUnusable`, `FileUnreadable`, `FileUnfit`: what must be changed before it can run
 */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { clock, log, signal } = options;
  checkFaces(options);
  if (options.sessions?.bus) await checkBusOf(options.sessions.bus);
  const registry = new Registry();
  const metrics = new GatewayMetrics(registry);
  const revocations =
    options.revocations && new RevocationFollower({ ...options, ...options.revocations, files: smallFiles });
  if (revocations) addRevocationMetrics(revocations, { registry, prefix: metricsPrefix });
  const revoked = revocations?.revoked ?? options.revoked;
  const holder = await openHolder({
    ...options,
    mints: options.mintListen !== undefined,
    metrics: { registry, prefix: metricsPrefix },
    ...(revoked && { revoked }),
  });
  const stop = new AbortController();
  let following: Promise<void> | undefined;
  let faces: Faces | undefined;
  let forget: Cancel | undefined;
  try {
    faces = await openFaces(options, {
      holder,
      metrics,
      registry,
      ...(revocations && { revocations }),
      ...(revoked && { revoked }),
    });
    const { ports } = faces;
    options.onListening?.(ports);
    forget = addProcessMetricsSoon(registry, clock);
    following = revocations?.run(stop.signal);
    await Promise.race([aborted(signal), holder.run(), failing(ports.mint), failing(following)]);
    log.info({}, "draining");
  } finally {
    forget?.();
    await faces?.close(options.drainMs);
    stop.abort();
    await Promise.allSettled([following]);
    await holder.close();
  }
}

/** The bus's library is loaded where somebody has a bus. */
async function checkBusOf(bus: BusOptions): Promise<void> {
  const { checkBus } = await import("../sessions/bus/nats/check-bus.ts");
  await checkBus(bus, smallFiles);
}

/** Settles when that fails, and only then. */
function failing(work: Promise<unknown> | undefined): Promise<never> {
  return new Promise((_, reject) => {
    work?.catch(reject);
  });
}
