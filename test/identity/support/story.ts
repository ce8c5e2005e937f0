import type {
  ExchangeFailure,
  IdentityEffect,
  IdentityEvent,
  IdentityState,
  Keep,
} from "../../../src/identity/machine/identity-state.ts";
import { newIdentity } from "../../../src/identity/machine/identity-state.ts";
import type { HeldPair } from "../../../src/identity/machine/held-pair.ts";
import { stepIdentity } from "../../../src/identity/machine/step-identity.ts";
import { startMs } from "./pairs.ts";

export const away = (more: object = {}): ExchangeFailure => ({
  ...{ kind: "away", code: "Unreachable", message: "nobody answers", mayBeDone: false },
  ...more,
});

export const denied = (isTokenDead = true): ExchangeFailure => ({
  kind: "denied",
  code: "revoked",
  message: "must not be revoked",
  isTokenDead,
});

/** One identity whose events a test tells, one after the other. */
export class Story {
  state: IdentityState;
  nowMs = startMs;
  chance = 0;
  /** Of the last event. */
  effects: readonly IdentityEffect[] = [];

  constructor({ stored, keep = "always" }: { readonly stored?: HeldPair; readonly keep?: Keep } = {}) {
    this.state = newIdentity(keep);
    this.on({ kind: "started", ...(stored && { stored }) });
  }

  /** Returns the kinds of what is to be done. */
  on(...events: readonly IdentityEvent[]): readonly string[] {
    for (const event of events) {
      const { state, effects } = stepIdentity(this.state, event, { nowMs: this.nowMs, chance: this.chance });
      this.state = state;
      this.effects = effects;
    }
    return this.effects.map((effect) => (effect.kind === "tell" ? effect.news.kind : effect.kind));
  }

  after(ms: number, ...events: readonly IdentityEvent[]): readonly string[] {
    this.nowMs += ms;
    return this.on(...events);
  }

  /** What the one request in flight shows. */
  get showing(): string | undefined {
    const { phase } = this.state;
    if (phase.kind !== "asking") return undefined;
    return phase.showing.kind === "refresh" ? phase.showing.token : "first";
  }
}
