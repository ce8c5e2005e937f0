import type { ChildProcess } from "node:child_process";
import { cpuSeconds, load } from "../sidecar/processes.ts";

/** Who works on a request. */
export interface Workers {
  readonly envoy: ChildProcess;
  readonly gateway: ChildProcess;
}

/** What came of asking for a while. */
export interface Turn {
  readonly answers: number;
  /** Requests a second, by the clock. */
  readonly rate: number;
  /** Processor time of a request, in microseconds. */
  readonly envoyMicros: number;
  readonly gatewayMicros: number;
}

interface Asking {
  readonly port: number;
  readonly next: () => string;
  readonly forMs: number;
}

/** Asks for so long, and looks at what it took. */
export async function turn({ envoy, gateway }: Workers, { port, next, forMs }: Asking): Promise<Turn> {
  const taken = () => Promise.all([cpuSeconds(envoy), cpuSeconds(gateway)]);
  const [envoyBefore, gatewayBefore] = await taken();
  const startedAtMs = performance.now();
  const answers = await load(port, next, forMs);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const [envoyAfter, gatewayAfter] = await taken();
  return {
    answers,
    rate: answers / seconds,
    envoyMicros: ((envoyAfter - envoyBefore) * 1e6) / answers,
    gatewayMicros: ((gatewayAfter - gatewayBefore) * 1e6) / answers,
  };
}

/** The request of each token in turn. */
export function requests(tokens: readonly string[]): () => string {
  const all = tokens.map((token) => {
    const lines = ["GET /orders/7 HTTP/1.1", "Host: shop", "Accept: */*", "User-Agent: bench"];
    return [...lines, `Authorization: Bearer ${token}`, "", ""].join("\r\n");
  });
  let next = 0;
  return () => all[next++ % all.length] ?? "";
}
