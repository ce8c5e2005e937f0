import { SessionTally } from "./session-tally.ts";
import type { CallReport, Counts, Delivery, GrantReport, Revocation, Wrong } from "./counts.ts";

/** A token that is being verified, and what was said of it once its key was revoked. */
export interface Held extends Delivery {
  readonly refusedBy: Set<string>;
}

/** What a key is to the client: `revoking` means that both verdicts are right. */
export type KeyState = "valid" | Revocation["state"];

const mostWrongs = 50;

/** Counts, and knows for each verdict whether it is right. */
export class Tally {
  replicas: readonly string[] = [];
  readonly sessions = new SessionTally();
  readonly #held = new Map<string, Held>();
  readonly #keys = new Map<string, Revocation["state"]>();
  readonly #tokensByPod = new Map<string, number>();
  readonly #tokensByKid = new Map<string, number>();
  readonly #verificationsByPod = new Map<string, number>();
  readonly #grants = new Map<string, GrantReport>();
  readonly #callers = new Map<string, CallReport>();
  readonly #unreachable = new Map<string, number>();
  readonly #wrong: Wrong[] = [];
  /** Of tokens that have ended meanwhile, too. */
  readonly #revoked = new Set<Held>();
  #wrongs = 0;
  #validRefused = 0;
  #revokedRefusals = 0;
  #joseVerifications = 0;
  #foreignRefusals = 0;

  take(delivery: Delivery): void {
    this.#held.set(delivery.token, { ...delivery, refusedBy: new Set() });
    count(this.#tokensByPod, delivery.pod);
    count(this.#tokensByKid, delivery.kid);
  }

  renewed(report: GrantReport): void {
    this.#grants.set(report.pod, report);
  }

  get grants(): readonly GrantReport[] {
    return [...this.#grants.values()];
  }

  called(report: CallReport): void {
    this.#callers.set(report.way, report);
  }

  get callers(): readonly CallReport[] {
    return [...this.#callers.values()];
  }

  revoke({ kid, state }: Revocation): void {
    this.#keys.set(kid, state);
    if (state === "revoked") for (const held of this.held()) if (held.kid === kid) this.#revoked.add(held);
  }

  /** Every token that has not ended. */
  held(nowMs: number = Date.now()): readonly Held[] {
    for (const [token, { endsAtMs }] of this.#held) if (endsAtMs <= nowMs) this.#held.delete(token);
    return [...this.#held.values()];
  }

  stateOf = (kid: string): KeyState => this.#keys.get(kid) ?? "valid";

  accepted(pod: string, held: Held, asked: KeyState): void {
    if (asked === "revoked") this.wrong("revoked accepted", pod, held);
    else if (asked === "valid") count(this.#verificationsByPod, pod);
  }

  /** A refusal counts when the token's time was not yet over as it came in, and nobody was revoking its key. */
  refused(pod: string, held: Held, why: string): void {
    const state = this.stateOf(held.kid);
    if (state === "valid" && Date.now() < held.endsAtMs) this.wrong("valid refused", pod, held, why);
    if (state !== "revoked") return;
    this.#revokedRefusals++;
    held.refusedBy.add(pod);
  }

  /** What a gateway said of a token that no key of the ring signed. */
  foreign(pod: string, held: Held, status: number | undefined): void {
    if (status === 401) this.#foreignRefusals++;
    else if (status === 200) this.wrong("foreign accepted", pod, held);
  }

  unreachable(pod: string, held: Held): void {
    if (this.stateOf(held.kid) === "valid") count(this.#unreachable, pod);
  }

  joseAccepted(): void {
    this.#joseVerifications++;
  }

  // eslint-disable-next-line max-params -- an event, told as a sentence
  wrong(what: Wrong["what"], pod: string, { kid }: Held, why = ""): void {
    this.#wrongs++;
    if (what === "valid refused" || what === "refused by jose") this.#validRefused++;
    if (this.#wrong.length < mostWrongs) this.#wrong.push({ what, pod, kid, atMs: Date.now(), why });
  }

  counts(): Counts {
    const revoked = [...this.#revoked];
    const everywhere = revoked.filter(({ refusedBy }) => this.replicas.every((pod) => refusedBy.has(pod)));
    return {
      tokens: sum(this.#tokensByPod),
      tokensByPod: Object.fromEntries(this.#tokensByPod),
      tokensByKid: Object.fromEntries(this.#tokensByKid),
      verifications: sum(this.#verificationsByPod),
      verificationsByPod: Object.fromEntries(this.#verificationsByPod),
      joseVerifications: this.#joseVerifications,
      revokedTokens: revoked.length,
      revokedRefusedEverywhere: everywhere.length,
      revokedRefusals: this.#revokedRefusals,
      foreignRefusals: this.#foreignRefusals,
      unreachable: Object.fromEntries(this.#unreachable),
      grants: this.grants,
      callers: this.callers,
      sessions: this.sessions.counts(),
      replicas: this.replicas,
      held: this.held().length,
      wrong: this.#wrong,
      wrongs: this.#wrongs,
      refused: this.#validRefused,
    };
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
