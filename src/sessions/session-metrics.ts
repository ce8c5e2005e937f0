import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { SendOutcome, TakenFrom } from "./core/peer-state.ts";
import { type EndCode, endCodes } from "./core/session-end.ts";
import type { EndedSession, SessionEnding, SessionObserver } from "./session-observer.ts";
import type { SessionService } from "./session-service.ts";

export interface SessionMetricsOptions {
  readonly registry: Registry;
  /** Of every name: the program that has the sessions, such as `keyturn_gateway`. */
  readonly prefix: string;
  readonly graceMs: number;
}

/** What is asked when somebody looks. */
export interface SessionGauges {
  readonly service: Pick<SessionService, "size">;
  readonly hub: { readonly isAttached: boolean };
  /** Absent: there are no other replicas. */
  readonly bus?: { readonly isConnected: boolean };
}

/** In seconds; 0: it ended with its token, or before. The grace is 25 s unless somebody says otherwise. */
const buckets = [0, 1, 5, 10, 25, 25.1, 26, 30, 60, 120, 300];
const placesBefore: readonly TakenFrom[] = ["session", "away", "replica"];
/** So long after the grace a session is overdue, in milliseconds. */
const overdueMs = 1000;

/** What is measured of sessions. Every label has a fixed set of values; nothing of a token, a subject or an instance is among them. */
export class SessionMetrics implements SessionObserver {
  readonly #options: SessionMetricsOptions;
  readonly #pastExpiry: Histogram;
  // Plain numbers: counted at each message, told when somebody looks
  readonly #accepted = new Counts("how", ["anew", "resumed"]);
  readonly #handovers = {
    anew: new Counts<TakenFrom>("from", placesBefore, { how: "anew" }),
    resumed: new Counts<TakenFrom>("from", placesBefore, { how: "resumed" }),
  };
  readonly #moved = new Counts("", [""]);
  readonly #renewed = new Counts("", [""]);
  readonly #ended = new Counts<SessionEnding>("code", [...endCodes, "Left", "Lost"]);
  readonly #refused = new Counts<EndCode>("code", endCodes);
  readonly #overdue = new Counts("", [""]);
  readonly #redelivered = new Counts("", [""]);
  /** Of peers, to the application. */
  readonly #in = new Counts("outcome", ["delivered"], { direction: "in" });
  /** Of the application, to peers. */
  readonly #out = new Counts<SendOutcome>("outcome", ["delivered", "gone", "full"], { direction: "out" });

  /** @throws Error when the registry has metrics of that prefix already */
  constructor(options: SessionMetricsOptions) {
    this.#options = options;
    this.#counter("accepted_total", "Sessions that began, anew or where their peer was before", this.#accepted);
    const { anew, resumed } = this.#handovers;
    const known = "Sessions that began of peers that were known, by where their peer was before";
    this.#counter("handovers_total", known, anew, resumed);
    this.#counter("moved_total", "Peers that went to another replica, with all that was kept of them", this.#moved);
    this.#counter("renewed_total", "Tokens that took the place of another one in an open session", this.#renewed);
    this.#counter("ended_total", "Sessions that ended, by why", this.#ended);
    this.#counter("refused_total", "Connections on which no session began, by why", this.#refused);
    this.#counter("overdue_total", "Sessions that lived a second longer than their token and the grace", this.#overdue);
    this.#counter("messages_total", "Messages of peers (in) and of the application (out)", this.#in, this.#out);
    const again = "Messages of peers that were given to an application once more";
    this.#counter("messages_redelivered_total", again, this.#redelivered);
    this.#pastExpiry = new Histogram({
      name: this.#name("past_expiry_seconds"),
      help: "Seconds that sessions lived past the end of their token",
      buckets,
      registers: [options.registry],
    });
  }

  /** To be called once. */
  watch({ service, hub, bus }: SessionGauges): void {
    this.#gauge("open", "Sessions that are open", () => service.size.open);
    this.#gauge("peers", "Peers that are known: with a session, or away and kept", () => service.size.peers);
    this.#gauge("waiting_bytes", "Bytes of messages that nobody has confirmed yet", () => service.size.bytes);
    this.#gauge("hub_attached", "1: an application hears and sends", () => Number(hub.isAttached));
    if (bus) this.#gauge("bus_connected", "1: other replicas can be reached", () => Number(bus.isConnected));
  }

  opened(_: string, how: "anew" | "resumed"): void {
    this.#accepted.add(how);
  }

  takenOver(from: TakenFrom, how: "anew" | "resumed"): void {
    this.#handovers[how].add(from);
  }

  moved(): void {
    this.#moved.add("");
  }

  redelivered(): void {
    this.#redelivered.add("");
  }

  renewed(): void {
    this.#renewed.add("");
  }

  ended({ code, pastExpiryMs }: EndedSession): void {
    this.#ended.add(code);
    this.#pastExpiry.observe(pastExpiryMs / 1000);
    if (pastExpiryMs > this.#options.graceMs + overdueMs) this.#overdue.add("");
  }

  refused(code: EndCode): void {
    this.#refused.add(code);
  }

  delivered(): void {
    this.#in.add("delivered");
  }

  answered(outcome: SendOutcome): void {
    this.#out.add(outcome);
  }

  #name(name: string): string {
    return `${this.#options.prefix}_sessions_${name}`;
  }

  #counter(name: string, help: string, ...all: readonly Counts<string>[]): void {
    new Counter({
      ...{ name: this.#name(name), help, registers: [this.#options.registry] },
      labelNames: Object.keys(all[0]?.rows()[0]?.labels ?? {}),
      collect() {
        this.reset();
        for (const { labels, count } of all.flatMap((counts) => counts.rows())) this.inc(labels, count);
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      ...{ name: this.#name(name), help, registers: [this.#options.registry] },
      collect() {
        this.set(read());
      },
    });
  }
}

/** How often each value of a label came. */
class Counts<Value extends string> {
  readonly #rows: ReadonlyMap<Value, { readonly labels: Readonly<Record<string, string>>; count: number }>;

  /** @param label - Empty: there is none, and one value */
  constructor(label: string, values: readonly Value[], others: Readonly<Record<string, string>> = {}) {
    const labelled = (value: Value) => ({ ...others, ...(label !== "" && { [label]: value }) });
    this.#rows = new Map(values.map((value) => [value, { labels: labelled(value), count: 0 }]));
  }

  add(value: Value): void {
    const row = this.#rows.get(value);
    if (row) row.count++;
  }

  rows() {
    return [...this.#rows.values()];
  }
}
