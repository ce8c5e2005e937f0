import { Counter, Gauge, type Registry } from "prom-client";
import type { AgentIdentities, AgentIdentityStatus } from "./agent-identities.ts";
import { type AgentNews, type AgentOutcome, agentOutcomes } from "./identities/agent-news.ts";

/** Of more identities only the sums are told: what Prometheus asks for must not hold up the tokens. */
export const mostIdentitiesTold = 1000;

const origins = ["file", "registered"] as const;

/** What an agent counts. Identities have labels of their own as long as there are not too many, and none when they are gone. Nothing of a token is told. */
export class AgentMetrics {
  readonly #registry: Registry;
  readonly #identities: () => Pick<AgentIdentities, "all"> | undefined;
  readonly #totals = noOutcomes();
  readonly #byIdentity = new Map<string, Map<AgentOutcome, number>>();

  /**
   * @param identities - Undefined as long as there are none
   * @throws Error when called a second time with one registry: it has each metric once
   */
  constructor(registry: Registry, identities: () => Pick<AgentIdentities, "all"> | undefined) {
    this.#registry = registry;
    this.#identities = identities;
    this.#addSums();
    this.#addEach();
  }

  readonly heard = ({ identity, outcome }: AgentNews): void => {
    if (outcome === "ended") {
      this.#byIdentity.delete(identity);
      return;
    }
    const own = this.#byIdentity.get(identity) ?? new Map<AgentOutcome, number>();
    this.#byIdentity.set(identity, own);
    for (const counts of [this.#totals, own]) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  };

  #addSums(): void {
    const totals = this.#totals;
    const statuses = this.#statuses;
    const registers = [this.#registry];
    new Gauge({
      name: "keyturn_agent_identities",
      help: "Identities by where they were asked for",
      labelNames: ["origin"],
      registers,
      collect() {
        const all = statuses();
        for (const origin of origins) this.set({ origin }, all.filter((one) => one.origin === origin).length);
      },
    });
    new Gauge({
      name: "keyturn_agent_earliest_expiry_timestamp_seconds",
      help: "When the first token of all ends, if nothing is renewed; 0 while an identity has none",
      registers,
      collect() {
        this.set(Math.min(...statuses().map((status) => expiryOf(status) ?? 0)));
      },
    });
    new Gauge({
      name: "keyturn_agent_sink_problems",
      help: "Places that lack the newest token",
      registers,
      collect() {
        this.set(statuses().reduce((sum, { sinkProblems }) => sum + sinkProblems.length, 0));
      },
    });
    new Counter({
      name: "keyturn_agent_outcomes_total",
      help: "What came of the work for all identities",
      labelNames: ["outcome"],
      registers,
      collect() {
        this.reset();
        for (const [outcome, count] of totals) this.inc({ outcome }, count);
      },
    });
  }

  #addEach(): void {
    const told = (): readonly AgentIdentityStatus[] => {
      const all = this.#statuses();
      return all.length > mostIdentitiesTold ? [] : all;
    };
    const counts = this.#byIdentity;
    const registers = [this.#registry];
    const labelNames = ["identity"] as const;
    const gauge = (name: string, help: string, valueOf: (status: AgentIdentityStatus) => number | undefined): void => {
      new Gauge({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset();
          for (const status of told()) {
            const value = valueOf(status);
            if (value !== undefined) this.set({ identity: status.name }, value);
          }
        },
      });
    };
    gauge(
      "keyturn_agent_token_expiry_timestamp_seconds",
      "When the identity's token ends; +Inf where no end is known",
      expiryOf,
    );
    gauge(
      "keyturn_agent_last_success_timestamp_seconds",
      "When the identity's token was asked for",
      ({ token }) => token && token.receivedAtMs / 1000,
    );
    gauge(
      "keyturn_agent_identity_sink_problems",
      "Places of the identity that lack its newest token",
      ({ sinkProblems }) => sinkProblems.length,
    );
    new Counter({
      name: "keyturn_agent_identity_outcomes_total",
      help: "What came of the work for the identity",
      labelNames: ["identity", "outcome"],
      registers,
      collect() {
        this.reset();
        for (const { name } of told()) {
          for (const [outcome, count] of counts.get(name) ?? []) this.inc({ identity: name, outcome }, count);
        }
      },
    });
  }

  readonly #statuses = (): readonly AgentIdentityStatus[] =>
    this.#identities()
      ?.all()
      .map((one) => one.status()) ?? [];
}

const noOutcomes = (): Map<AgentOutcome, number> => new Map(agentOutcomes.map((outcome) => [outcome, 0]));

/** In seconds; undefined without a token. */
const expiryOf = ({ token }: AgentIdentityStatus): number | undefined =>
  token && (token.expiresAtMs === undefined ? Infinity : token.expiresAtMs / 1000);
