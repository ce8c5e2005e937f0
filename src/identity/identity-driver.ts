import { ChangeNeededError, type KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import type { Chance } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import type { ClockWatch, Wakeable } from "./clock-watch.ts";
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
  readonly clock: Pick<Clock, "nowMs">;
  /** On the same clock. */
  readonly watch: ClockWatch;
  readonly chance: Chance;
  readonly onChange?: (news: IdentityNews) => void;
}

/** How often the first credential of an identity is looked at that was denied: whether it is another one by now. */
const credentialLookMs = 30_000;

/** Runs the state machine of one identity: does its effects, one after the other, and brings it what came of them. */
export class IdentityDriver implements KeptIdentity, Wakeable {
  readonly #parts: IdentityParts;
  /** Of what is under way; an identity at rest, of which there may be ten thousand, has none. */
  #work: AbortController | undefined;
  /** Everybody who waits looks again after each event. */
  #nextEvent: PromiseWithResolvers<void> | undefined;
  #state: IdentityState;
  #effects: Promise<void> = Promise.resolve();
  /** The first credential that was shown last. */
  #shownId: string | undefined;
  /** While it is denied, the credential is looked at then; Unix milliseconds. */
  #credentialAtMs = Infinity;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
    this.#state = newIdentity(parts.keep);
  }

  /** Resolves with the first token. @throws KeyturnError where there is none, unless it may start without */
  async start(stored: HeldPair | undefined, startWithout: boolean): Promise<void> {
    this.#handle({ kind: "started", ...(stored && { stored }) });
    this.#parts.watch.add(this);
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

  /** Of the clock watch, as the next two. */
  get wakeAtMs(): number {
    return Math.min(wakeAtMs(this.#state), this.#credentialAtMs);
  }

  wake(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs >= this.#credentialAtMs) {
      this.#credentialAtMs = nowMs + credentialLookMs;
      void this.#lookAtCredential();
    }
    if (nowMs >= wakeAtMs(this.#state)) this.#handle({ kind: "looked" });
  }

  setBack(byMs: number): void {
    this.#credentialAtMs -= byMs;
    this.#handle({ kind: "setBack", byMs });
  }

  close(): Promise<void> {
    return this.#end("close");
  }

  async forget(): Promise<void> {
    this.#work?.abort();
    const token = this.#state.held?.refresh?.token;
    const isFirst = this.#state.ending !== "forget" && this.#state.phase.kind !== "closed";
    await this.#end("forget");
    if (isFirst && token !== undefined) void this.#parts.issuer.revoke?.(token);
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
      await this.#afterNextEvent();
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#afterNextEvent();
  }

  #afterNextEvent(): Promise<void> {
    this.#nextEvent ??= Promise.withResolvers();
    return this.#nextEvent.promise;
  }

  #handle(event: IdentityEvent): void {
    const { clock, chance } = this.#parts;
    const { state, effects } = stepIdentity(this.#state, event, { nowMs: clock.nowMs(), chance: chance() });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (state.phase.kind === "resting") this.#work = undefined;
    this.#watchClock();
    this.#nextEvent?.resolve();
    this.#nextEvent = undefined;
  }

  /** The disk and the issuer one after the other; listeners hear at once. */
  #perform(effect: IdentityEffect): void {
    if (effect.kind === "tell") {
      this.#parts.onChange?.(effect.news);
      return;
    }
    this.#work ??= new AbortController();
    const { signal } = this.#work;
    this.#effects = this.#effects.then(async () => {
      if (effect.kind === "ask" && effect.showing.kind === "first")
        this.#shownId = await this.#parts.issuer.credentialId();
      const event = await eventOf(effect, this.#parts, signal);
      if (event !== undefined) this.#handle(event);
    });
  }

  #watchClock(): void {
    const { watch, clock } = this.#parts;
    const { phase, trouble } = this.#state;
    if (phase.kind === "closed") {
      watch.delete(this);
      return;
    }
    if (trouble?.isFinal !== true) this.#credentialAtMs = Infinity;
    else if (this.#credentialAtMs === Infinity) this.#credentialAtMs = clock.nowMs() + credentialLookMs;
    watch.changed(this);
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
