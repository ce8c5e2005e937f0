const unitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** The time that a client gives its call (`grpc-timeout`), in milliseconds; undefined for none, and for what is none. */
export function timeoutIn(value: string | readonly string[] | undefined): number | undefined {
  const [, count, unit = ""] = (typeof value === "string" && /^(\d{1,8})([HMSmun])$/.exec(value)) || [];
  const unitMs = unitsMs[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}
