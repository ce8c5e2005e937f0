import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Answered } from "./api/error-answers.ts";
import type { StoreLoad } from "./store/grant-store.ts";
import type { IssuerEvent } from "./tokens/issuer-event.ts";

/** From 1 ms to 10 s. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const outcomes = [
  ...["current", "replayed", "replaced", "recovered"],
  ...["expired", "revoked", "unknown", "superseded", "reused", "after-reuse"],
] as const;

/** Asked when somebody looks. */
export interface IssuerGauges {
  /** Grants that can be renewed, as they were last counted; undefined before. */
  grants(): number | undefined;
  /** Revocations in memory. */
  revocations(): number;
  /** Undefined: it is not open. */
  load(): StoreLoad | undefined;
  /** It is not open, or did not answer when it was last looked at. */
  isStoreAway(): boolean;
  /** What stands in the TokenIssuer file can't be used. */
  isFileRefused(): boolean;
}

/** What an issuer counts. Every label has a fixed set of values; nothing of a token or a caller is among them. */
export class IssuerMetrics {
  readonly #issued: Counter<"kind">;
  readonly #renewals: Counter<"outcome">;
  readonly #revoked: Counter<"kind">;
  readonly #expired: Counter<"outcome">;
  readonly #requests: Counter<"route" | "status" | "code">;
  readonly #seconds: Histogram<"route">;

  /** @throws Error when called a second time with one registry: it has each metric once */
  constructor(registry: Registry, gauges: IssuerGauges) {
    const registers = [registry];
    this.#issued = new Counter({
      name: "keyturn_issuer_issued_total",
      help: "What was given out first: grants, those below another one, access tokens alone",
      labelNames: ["kind"],
      registers,
    });
    this.#renewals = new Counter({
      name: "keyturn_issuer_renewals_total",
      help: "Refresh tokens that were shown, by what became of it",
      labelNames: ["outcome"],
      registers,
    });
    this.#revoked = new Counter({
      name: "keyturn_issuer_revoked_total",
      help: "Grants and access tokens that were revoked",
      labelNames: ["kind"],
      registers,
    });
    this.#expired = new Counter({
      name: "keyturn_issuer_expired_tokens_total",
      help: "Access tokens whose time was over, shown under recoverExpiredFor, by what became of it",
      labelNames: ["outcome"],
      registers,
    });
    this.#requests = new Counter({
      name: "keyturn_issuer_requests_total",
      help: "Requests by path, status and the code of the error",
      labelNames: ["route", "status", "code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "keyturn_issuer_request_seconds",
      help: "Seconds until the answer was sent",
      labelNames: ["route"],
      buckets,
      registers,
    });
    for (const kind of ["grant", "child", "access-token"]) this.#issued.inc({ kind }, 0);
    for (const outcome of outcomes) this.#renewals.inc({ outcome }, 0);
    for (const kind of ["grant", "token"]) this.#revoked.inc({ kind }, 0);
    for (const outcome of ["recovered", "refused"]) this.#expired.inc({ outcome }, 0);
    addGauges(registry, gauges);
  }

  readonly on = (event: IssuerEvent): void => {
    const { kind } = event;
    if (kind === "issued") this.#issued.inc({ kind: "access-token" });
    else if (kind === "begun") this.#issued.inc({ kind: event.parent === undefined ? "grant" : "child" });
    else if (kind === "revoked") this.#revoked.inc({ kind: "grant" });
    else if (kind === "tokenRevoked") this.#revoked.inc({ kind: "token" });
    else if (kind === "recovered") this.#expired.inc({ outcome: "recovered" });
    else if (kind === "notRecovered") this.#expired.inc({ outcome: "refused" });
    else this.#renewals.inc({ outcome: outcomeOf(event) });
  };

  readonly answered = ({ route, status, code, seconds }: Answered): void => {
    this.#requests.inc({ route, status: String(status), code });
    if (seconds !== undefined) this.#seconds.observe({ route }, seconds);
  };
}

function outcomeOf(
  event: IssuerEvent & { readonly kind: "renewed" | "refused" | "reused" },
): (typeof outcomes)[number] {
  if (event.kind === "renewed") return event.why;
  if (event.kind === "reused") return "reused";
  // Whoever found it out is told apart from those who come after
  return event.reason === "reused" ? "after-reuse" : event.reason;
}

function addGauges(registry: Registry, gauges: IssuerGauges): void {
  const gauge = (name: string, help: string, value: () => number | undefined): void => {
    new Gauge({
      name: `keyturn_issuer_${name}`,
      help,
      registers: [registry],
      collect() {
        const now = value();
        if (now === undefined) this.remove();
        else this.set(now);
      },
    });
  };
  gauge("grants", "Grants that can be renewed, counted every few minutes", () => gauges.grants());
  gauge("revocations", "Revocations in memory: of tokens and subjects; of a grant the store is asked", () =>
    gauges.revocations(),
  );
  gauge("store_open", "1: the store is open, and answered when it was last looked at", () =>
    Number(!gauges.isStoreAway()),
  );
  gauge("store_busy", "Connections of the store in use, or writers", () => gauges.load()?.busy);
  gauge("store_waiting", "Calls that wait for one", () => gauges.load()?.waiting);
  gauge("file_refused", "1: what stands in the TokenIssuer file can't be used", () => Number(gauges.isFileRefused()));
}
