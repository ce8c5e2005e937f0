import type { LedgerEntry, SessionCounts, SessionReport } from "./session-counts.ts";

/** Brings together what clients have sent and what the applications beside the gateways have heard. */
export class SessionTally {
  readonly #reports = new Map<string, SessionReport>();
  readonly #words = new Set<string>();
  readonly #heard = new Set<string>();
  /** By whom, of messages that are not marked as heard before. */
  readonly #heardFirst = new Map<string, string>();
  readonly #heardByPod = new Map<string, number>();
  readonly #twice: { readonly name: string; readonly by: string }[] = [];
  #redelivered = 0;

  report(report: SessionReport): void {
    this.#reports.set(report.instance, report);
  }

  /** Before it is confirmed; of two applications that hear the same message, the first may be the last to say so. */
  heard(entry: LedgerEntry): void {
    if (this.#words.has(entry.word)) return;
    this.#words.add(entry.word);
    const name = `${entry.instance} ${entry.id}`;
    this.#heard.add(name);
    this.#heardByPod.set(entry.pod, (this.#heardByPod.get(entry.pod) ?? 0) + 1);
    if (entry.redelivered) {
      this.#redelivered++;
      return;
    }
    const before = this.#heardFirst.get(name);
    if (before !== undefined) this.#twice.push({ name, by: `${before}, ${entry.pod}` });
    this.#heardFirst.set(name, entry.pod);
  }

  get clients(): readonly SessionReport[] {
    return [...this.#reports.values()];
  }

  counts(): SessionCounts {
    const { clients } = this;
    const inDoubt = new Set(clients.flatMap((one) => one.inDoubt.map((id) => `${one.instance} ${id}`)));
    return {
      clients,
      heard: this.#heard.size,
      heardByPod: Object.fromEntries(this.#heardByPod),
      redelivered: this.#redelivered,
      twice: this.#twice.flatMap(({ name, by }) => (inDoubt.has(name) ? [] : [`${name}: ${by}`])),
      lost: clients.flatMap(({ instance, confirmed }) =>
        Array.from({ length: confirmed }, (_, at) => `${instance} ${at + 1}`).filter((name) => !this.#heard.has(name)),
      ),
    };
  }
}
