import { Gauge, type Registry } from "prom-client";
import type { RevocationFollower } from "./revocation-follower.ts";

export interface RevocationMetricsOptions {
  readonly registry: Registry;
  /** Of every name: the program that follows, such as `keyturn_gateway`. */
  readonly prefix: string;
}

/** What is measured of a follower. @throws Error when the registry has metrics of that prefix already */
export function addRevocationMetrics(
  follower: Pick<RevocationFollower, "revoked" | "isConnected" | "silenceMs">,
  { registry, prefix }: RevocationMetricsOptions,
): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge("revocations", "Revocations in memory", () => follower.revoked.size);
  gauge("revocations_connected", "1: hears of each revocation as it comes", () => Number(follower.isConnected));
  gauge("revocations_silence_seconds", "Seconds since all that is revoked was known", () => follower.silenceMs / 1000);
}
