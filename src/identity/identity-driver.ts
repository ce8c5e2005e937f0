import { clockWaitMs, setBackMs } from "../deadline/clock-look.ts";
import { ChangeNeededError, type KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import type { Chance } from "../time/backoff.ts";
import { type Cancel, type Clock, type Moment, momentOf } from "../time/clock.ts";
import { eventOf } from "./identity-effects.ts";
import type { FreshToken, IdentityStatus, KeptIdentity } from "./kept-identity.ts";
import type { HeldPair } from "./machine/held-pair.ts";
import {
  type Ending,
  type IdentityEffect,
  type IdentityEvent,
  type IdentityNews,
  type IdentityState,
  type IdentityTrouble,
  type Keep,
  newIdentity,
} from "./machine/identity-state.ts";
import { stepIdentity } from "./machine/step-identity.ts";
import { answerTo, type TokenAnswer, type TokenWish, wakeAtMs } from "./machine/wants.ts";
import type { PairIssuer } from "./pair-issuer.ts";
import type { PairStore } from "./store/pair-store.ts";

export interface IdentityParts {
  readonly issuer: PairIssuer;
  readonly store: PairStore;
  readonly keep: Keep;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly onChange?: (news: IdentityNews) => void;
}

/** Runs the state machine of one identity: does its effects, one after the other, and brings it what came of them. */
export class IdentityDriver implements KeptIdentity {
  readonly #parts: IdentityParts;
  readonly #abort = new AbortController();
  /** Everybody who waits looks again after each event. */
  readonly #watchers = new Set<() => void>();
  #state: IdentityState;
  #effects: Promise<void> = Promise.resolve();
  #cancelLook: Cancel = () => undefined;
  /** When the clocks last agreed. */
  #seen: Moment;
  /** The first credential that was shown last. */
  #shownId: string | undefined;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
    this.#state = newIdentity(parts.keep);
    this.#seen = momentOf(parts.clock);
  }

  /** Resolves with the first token. @throws KeyturnError where there is none, unless it may start without */
  async start(stored: HeldPair | undefined, startWithout: boolean): Promise<void> {
    this.#handle({ kind: "started", ...(stored && { stored }) });
    const answer = await this.#answer({ kind: "any" });
    if (answer.kind === "given" || startWithout) return;
    await this.close();
    throw errorOf(answer.trouble);
  }

  async token(): Promise<FreshToken> {
    this.#handle({ kind: "wanted", why: { kind: "use" } });
    return givenBy(await this.#answer({ kind: "any" }));
  }

  async refresh(): Promise<FreshToken> {
    // What is only being written is no new token
    await this.#until(() => this.#state.phase.kind !== "saving");
    const than = this.#state.held?.tokenId;
    this.#handle({ kind: "wanted", why: { kind: "hand" } });
    return givenBy(await this.#answer({ kind: "another", than }));
  }

  async refused(tokenId: string): Promise<FreshToken | undefined> {
    this.#handle({ kind: "wanted", why: { kind: "refused", tokenId } });
    const answer = await this.#answer({ kind: "another", than: tokenId });
    return answer.kind === "given" ? freshFrom(answer.pair) : undefined;
  }

  status(): IdentityStatus {
    const { held, isSaved, failures, trouble } = this.#state;
    const nextAtMs = wakeAtMs(this.#state);
    return {
      ...(held && { token: held.life }),
      ...(Number.isFinite(nextAtMs) && { nextAtMs }),
      ...{ isSaved, failures },
      ...(trouble && { trouble }),
    };
  }

  close(): Promise<void> {
    return this.#end("close");
  }

  forget(): Promise<void> {
    this.#abort.abort();
    return this.#end("forget");
  }

  async #end(how: Ending): Promise<void> {
    this.#handle({ kind: "ended", how });
    await this.#until(() => this.#state.phase.kind === "closed");
    await this.#effects;
  }

  /** What somebody is told who wants a token, as soon as it can be said. */
  async #answer(wish: TokenWish): Promise<Exclude<TokenAnswer, { kind: "wait" }>> {
    for (;;) {
      const answer = answerTo(this.#state, wish, this.#parts.clock.nowMs());
      if (answer.kind !== "wait") return answer;
      await this.#nextEvent();
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#nextEvent();
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        resolve();
      };
      this.#watchers.add(wake);
    });
  }

  #handle(event: IdentityEvent): void {
    const { clock, chance } = this.#parts;
    const { state, effects } = stepIdentity(this.#state, event, { nowMs: clock.nowMs(), chance: chance() });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#lookLater();
    for (const wake of this.#watchers) wake();
  }

  /** The disk and the issuer one after the other; listeners hear at once. */
  #perform(effect: IdentityEffect): void {
    if (effect.kind === "tell") {
      this.#parts.onChange?.(effect.news);
      return;
    }
    this.#effects = this.#effects.then(async () => {
      if (effect.kind === "ask" && effect.showing.kind === "first")
        this.#shownId = await this.#parts.issuer.credentialId();
      const event = await eventOf(effect, this.#parts, this.#abort.signal);
      if (event !== undefined) this.#handle(event);
    });
  }

  #lookLater(): void {
    const { clock } = this.#parts;
    this.#cancelLook();
    if (this.#state.phase.kind === "closed") return;
    this.#cancelLook = clock.after(clockWaitMs(wakeAtMs(this.#state), clock.nowMs()), () => this.#look());
  }

  #look(): void {
    this.#compareClocks();
    if (this.#state.trouble?.isFinal === true) void this.#lookAtCredential();
    if (this.#parts.clock.nowMs() >= wakeAtMs(this.#state)) this.#handle({ kind: "looked" });
    else this.#lookLater();
  }

  #compareClocks(): void {
    const now = momentOf(this.#parts.clock);
    const byMs = setBackMs(this.#seen, now);
    const isAhead = setBackMs(now, this.#seen) > 0;
    // A clock that is slewed goes wrong so slowly that only the sum shows it
    if (byMs > 0 || isAhead) this.#seen = now;
    if (byMs > 0) this.#handle({ kind: "setBack", byMs });
  }

  async #lookAtCredential(): Promise<void> {
    const id = await this.#parts.issuer.credentialId();
    if (id === undefined || id === this.#shownId) return;
    this.#shownId = id;
    this.#handle({ kind: "credentialChanged" });
  }
}

function givenBy(answer: Exclude<TokenAnswer, { kind: "wait" }>): FreshToken {
  if (answer.kind === "given") return freshFrom(answer.pair);
  throw errorOf(answer.trouble);
}

const freshFrom = ({ accessToken, tokenId, life: { expiresAtMs } }: HeldPair): FreshToken => ({
  accessToken,
  tokenId,
  ...(expiresAtMs !== undefined && { expiresAtMs }),
});

const errorOf = ({ code, message, isFinal }: IdentityTrouble): KeyturnError =>
  isFinal ? new ChangeNeededError(code, message) : new TryLaterError(code, message);
