import { Counter, type Registry } from "prom-client";
import type { AfterRefusal, ProxyAnswered } from "./forward.ts";

const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const refusals: readonly AfterRefusal[] = ["repeated", "unrepeatable", "noOther"];

/** What the proxies of an agent have answered, all together. Nothing of a request is told. */
export class ProxyMetrics {
  readonly #requests: Counter<"status">;
  readonly #problems: Counter<"code">;
  readonly #refusals: Counter<"outcome">;

  /** @throws Error when called a second time with one registry: it has each metric once */
  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "keyturn_agent_proxy_requests_total",
      help: "Requests that were answered, by the class of the status",
      labelNames: ["status"],
      registers,
    });
    this.#problems = new Counter({
      name: "keyturn_agent_proxy_problems_total",
      help: "Requests that the proxy answered by itself, by the code of the answer",
      labelNames: ["code"],
      registers,
    });
    this.#refusals = new Counter({
      name: "keyturn_agent_proxy_refusals_total",
      help: "Requests whose token the upstream refused, by what came of that",
      labelNames: ["outcome"],
      registers,
    });
    for (const status of classes) this.#requests.inc({ status }, 0);
    for (const outcome of refusals) this.#refusals.inc({ outcome }, 0);
  }

  readonly answered = ({ status, code, refusal }: ProxyAnswered): void => {
    this.#requests.inc({ status: classes[Math.floor(status / 100) - 1] ?? "other" });
    if (code !== undefined) this.#problems.inc({ code });
    if (refusal !== undefined) this.#refusals.inc({ outcome: refusal });
  };
}
