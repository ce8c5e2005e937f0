import { collectDefaultMetrics, type Registry } from "prom-client";
import type { Cancel, Clock } from "../time/clock.ts";

/** What Node.js and the process say of themselves: memory, CPU, event loop, garbage collection. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

/** The same, a second from now: they are asked for by a scrape, and would take a tenth of the time until a gateway is ready. */
export const addProcessMetricsSoon = (registry: Registry, clock: Pick<Clock, "after">): Cancel =>
  clock.after(1000, () => addProcessMetrics(registry));
