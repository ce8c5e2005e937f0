import { Counter, type Registry } from "prom-client";
import { refusalReasons } from "../jwt/reasons.ts";
import { credentialFlaws } from "../http/bearer.ts";
import type { AuthOutcome } from "./faces/decision.ts";
import type { MintOutcome } from "./faces/mint-handler.ts";

/** Of the names of metrics. */
export const metricsPrefix = "keyturn_gateway";

const outcomes: readonly AuthOutcome[] = ["Accepted", "NotReady", ...credentialFlaws, ...refusalReasons];
const mintOutcomes: readonly MintOutcome[] = ["Minted", "RequestRefused", "Unavailable", "Failed"];

/** How a reason reads in the `result` label: what the caller was told. */
function resultOf(outcome: AuthOutcome): "allowed" | "forbidden" | "denied" | "unavailable" {
  if (outcome === "Accepted") return "allowed";
  if (outcome === "NotReady") return "unavailable";
  return outcome === "ScopeMissing" ? "forbidden" : "denied";
}

/** What a gateway's faces count. Every label has a fixed set of values; nothing of a token or a claim is among them. */
export class GatewayMetrics {
  /** Plain numbers: counted at each request, told when somebody looks. */
  readonly #verified = new Map<AuthOutcome, number>(outcomes.map((outcome) => [outcome, 0]));
  readonly #minted: Counter<"outcome">;

  /** @throws Error when called a second time with one registry: it has each metric once */
  constructor(registry: Registry) {
    this.#minted = new Counter({
      name: "keyturn_gateway_mints_total",
      help: "Requests for a token by outcome",
      labelNames: ["outcome"],
      registers: [registry],
    });
    for (const outcome of mintOutcomes) this.#minted.inc({ outcome }, 0);
    const verified = this.#verified;
    new Counter({
      name: "keyturn_gateway_verifications_total",
      help: "Requests that a proxy asked about, by what it was told and why",
      labelNames: ["result", "reason"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [reason, count] of verified) this.inc({ result: resultOf(reason), reason }, count);
      },
    });
  }

  readonly verified = (outcome: AuthOutcome): void => {
    this.#verified.set(outcome, (this.#verified.get(outcome) ?? 0) + 1);
  };

  readonly minted = (outcome: MintOutcome): void => this.#minted.inc({ outcome });
}
