import { Counter, Gauge, type Registry } from "prom-client";
import { keysOf } from "../ring/ring.ts";
import type { RingMemory } from "./ring-memory.ts";

export interface KeyMetricsOptions {
  readonly registry: Registry;
  /** Of every name: the program that holds the ring, such as `keyturn_gateway`. */
  readonly prefix: string;
  /** Asked when somebody looks; undefined: there is no holder yet. */
  readonly memory: () => Pick<RingMemory, "state" | "verifier"> | undefined;
}

/**
 * Tells which keys tokens come with: who still uses the old one? Series are of the keys in memory alone, so at most 16, and a key's own go with
 * it. The counting is the key's (`VerifyingKey.tally`).
 *
 * @throws Error when the registry has metrics of that prefix already
 */
export function addKeyMetrics({ registry, prefix, memory }: KeyMetricsOptions): void {
  new Counter({
    name: `${prefix}_accepted_tokens_total`,
    help: "Tokens that were found good, by the key that signed them",
    labelNames: ["kid"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kid, tally } of memory()?.verifier?.keys.values() ?? []) this.inc({ kid }, tally.accepted);
    },
  });
  new Gauge({
    name: `${prefix}_key_info`,
    help: "1: the key is in memory, in this state: active, prepared or verify-only",
    labelNames: ["kid", "state"],
    registers: [registry],
    collect() {
      this.reset();
      const ring = memory()?.state.current?.ring;
      for (const { kid, state } of ring ? keysOf(ring) : []) this.set({ kid, state }, 1);
    },
  });
}
