import { collectDefaultMetrics, type Registry } from "prom-client";

/** What Node.js and the process say of themselves: memory, CPU, event loop, garbage collection. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
